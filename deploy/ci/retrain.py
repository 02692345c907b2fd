"""Asks Dagster for a training, waits for its end, and says what came of it: 1 if it failed.

    DAGSTER_USER=ci DAGSTER_PASSWORD=... python3 deploy/ci/retrain.py --url https://dagster.example.org
        --portfolio telecomit --month 2026-10 --because "a new tariff"

The standard library is enough. The gates judge the model as always: a training that ends well may
end in a refusal.
"""

import argparse
import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PipelineNotFoundError { message }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
STATUS = """
query Status($run: ID!) {
  runOrError(runId: $run) {
    __typename
    ... on Run { status }
    ... on PythonError { message }
    ... on RunNotFoundError { message }
  }
}
"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
TIMEOUT_SECONDS = 60.0

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
"""(query, variables) -> the data of the answer; RetrainError where there is none."""


class RetrainError(Exception):
    """A training that could not be asked for, or did not end well."""


def main(arguments: list[str] | None = None) -> int:
    """Ask, wait, tell; 1 and one line on standard error where it does not end well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="Address of Dagster's UI.")
    parser.add_argument("--portfolio", required=True)
    parser.add_argument("--month", required=True, help="Newest month with labels, as 2026-10.")
    parser.add_argument("--because", required=True, help="Why; it stands in the run's tags.")
    parser.add_argument("--wait-seconds", type=float, default=4 * 3600)
    given = parser.parse_args(arguments)
    try:
        login = os.environ.get("DAGSTER_USER"), os.environ.get("DAGSTER_PASSWORD")
        ask = over_http(given.url, *login)
        run_id = launch(ask, given.portfolio, given.month, given.because)
        print(f"run {run_id} is asked for: {given.url.rstrip('/')}/runs/{run_id}", flush=True)
        wait(ask, run_id, given.wait_seconds, time.sleep)
    except RetrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("the training ended; `churn result` and the page tell what the gates said")
    return 0


def launch(ask: Ask, portfolio: str, month: str, because: str) -> str:
    """The id of the run that is asked for."""
    day = f"{month}-01"
    tags = {
        "dagster/asset_partition_range_start": day,
        "dagster/asset_partition_range_end": day,
        "churn/automation": portfolio,
        "churn/because": because,
        "dagster/retry_on_asset_or_op_failure": "false",
    }
    params = {
        "selector": {
            "jobName": f"{portfolio}_training",
            "repositoryName": "__repository__",
            "repositoryLocationName": "churn_platform",
        },
        "runConfigData": {},
        "executionMetadata": {"tags": [{"key": key, "value": tags[key]} for key in tags]},
    }
    answer = ask(LAUNCH, {"params": params})["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        raise RetrainError(f"{portfolio}_training was not launched: {told(answer)}")
    return str(answer["run"]["runId"])


def wait(ask: Ask, run_id: str, seconds: float, pause: Callable[[float], None]) -> None:
    """Return once a run has ended well; RetrainError if it did not, or takes longer."""
    every = 10.0
    for _ in range(max(1, int(seconds / every))):
        answer = ask(STATUS, {"run": run_id})["runOrError"]
        if answer["__typename"] != "Run":
            raise RetrainError(f"run {run_id} cannot be followed: {told(answer)}")
        if answer["status"] == "SUCCESS":
            return
        if answer["status"] in ENDED:
            raise RetrainError(f"run {run_id} ended as {answer['status']}; its last event says why")
        pause(every)
    raise RetrainError(f"run {run_id} has not ended in {seconds:.0f} s; it goes on in Dagster")


def told(answer: dict[str, Any]) -> str:
    """What an answer of Dagster's says is wrong."""
    messages = [error["message"] for error in answer.get("errors", [])]
    return answer.get("message") or "; ".join(messages) or str(answer["__typename"])


def over_http(url: str, user: str | None, password: str | None) -> Ask:
    """Asks the webserver at an address, signed in where a user is given."""
    headers = {"content-type": "application/json"}
    if user:
        login = base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        headers["authorization"] = f"Basic {login}"

    def ask(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(url.rstrip("/") + "/graphql", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            answer = _answer_of(error)
            if answer is None:
                hint = "; set DAGSTER_USER and DAGSTER_PASSWORD" if error.code == 401 else ""
                raise RetrainError(f"{url} answers {error.code}{hint}") from error
        except (OSError, ValueError) as error:
            raise RetrainError(f"{url} does not answer as Dagster does: {error}") from error
        if answer.get("errors"):
            raise RetrainError(f"{url} refuses the question: {answer['errors'][0]['message']}")
        return dict(answer["data"])

    return ask


def _answer_of(error: urllib.error.HTTPError) -> dict[str, Any] | None:
    """The answer within an error: what Dagster could not do it says in one of status 500."""
    try:
        answer = json.load(error)
    except ValueError:
        return None
    is_dagsters = isinstance(answer, dict) and bool({"data", "errors"} & answer.keys())
    return answer if is_dagsters else None


if __name__ == "__main__":
    sys.exit(main())
