"""The script that asks Dagster for a training: what it asks, and what it makes of each answer.

A real webserver is asked in `test_real_webserver.py`.
"""

import importlib.util
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import graphql
import pytest
from dagster_graphql.schema import create_schema

from churn_platform.graph.jobs import TRAINING
from churn_platform.graph.run_requests import AUTOMATION_TAG, BECAUSE_TAG, RETRY_TAG
from churn_platform.graph.runs import LOCATION, RANGE_TAGS, REPOSITORY
from churn_platform_tests.support.deploy_files import DEPLOY

SPEC = importlib.util.spec_from_file_location("retrain", DEPLOY / "ci" / "retrain.py")
assert SPEC and SPEC.loader
retrain = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(retrain)


class Dagster:
    """Answers in turn, and keeps what it was asked."""

    def __init__(self, *answers: dict[str, Any]):
        self.answers, self.asked = list(answers), []

    def __call__(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((query, variables))
        return self.answers.pop(0)


def run_of(status: str) -> dict[str, Any]:
    """An answer about a run."""
    return {"runOrError": {"__typename": "Run", "status": status}}


def test_a_training_is_asked_for_as_the_sensors_do():
    """The same job, range and tags, so that its place in the queue is the same."""
    success = {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "r1"}}}
    dagster = Dagster(success)
    assert retrain.launch(dagster, "telecomit", "2026-10", "a new tariff") == "r1"
    ((_, variables),) = dagster.asked
    params = variables["params"]
    assert params["selector"] == {
        "jobName": f"telecomit_{TRAINING}",
        "repositoryName": REPOSITORY,
        "repositoryLocationName": LOCATION,
    }
    tags = {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]}
    assert tags == {
        RANGE_TAGS[0]: "2026-10-01",
        RANGE_TAGS[1]: "2026-10-01",
        AUTOMATION_TAG: "telecomit",
        BECAUSE_TAG: "a new tariff",
        RETRY_TAG: "false",
    }


def test_an_unknown_portfolio_is_told_in_dagsters_words():
    """No run is waited for."""
    refused = {"__typename": "PipelineNotFoundError", "message": "Could not find job x_training"}
    with pytest.raises(retrain.RetrainError, match="Could not find job x_training"):
        retrain.launch(Dagster({"launchRun": refused}), "x", "2026-10", "y")


def test_a_run_is_followed_to_its_end():
    """It is asked again while it is queued or runs."""
    pauses: list[float] = []
    dagster = Dagster(run_of("QUEUED"), run_of("STARTED"), run_of("SUCCESS"))
    retrain.wait(dagster, "r1", 60, pauses.append)
    assert pauses == [10.0, 10.0]


@pytest.mark.parametrize("status", ["FAILURE", "CANCELED"])
def test_a_run_that_fails_fails_the_workflow(status):
    """The error says how it ended."""
    with pytest.raises(retrain.RetrainError, match=status):
        retrain.wait(Dagster(run_of(status)), "r1", 60, lambda _: None)


def test_a_run_that_does_not_end_is_not_waited_for_for_ever():
    """It goes on in Dagster."""
    with pytest.raises(retrain.RetrainError, match="has not ended in 20 s"):
        retrain.wait(Dagster(run_of("STARTED"), run_of("STARTED")), "r1", 20, lambda _: None)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            500,
            '{"data": {"launchRun": {"__typename": "PythonError", "message": "no disk"}}}',
            "no disk",
        ),
        (400, '{"errors": [{"message": "no such field"}]}', "refuses the question: no such field"),
        (401, "who are you?", "answers 401; set DAGSTER_USER and DAGSTER_PASSWORD"),
        (502, "[]", "answers 502"),
    ],
)
def test_what_dagster_says_in_an_error_is_told(status, body, told):
    """It answers with status 500 what it could not do; a proxy answers something else."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.handle_request, daemon=True).start()
        ask = retrain.over_http(f"http://127.0.0.1:{server.server_address[1]}", None, None)
        with pytest.raises(retrain.RetrainError, match=told):
            retrain.launch(ask, "telecomit", "2026-10", "y")


@pytest.mark.parametrize("question", ["LAUNCH", "STATUS"])
def test_dagsters_schema_knows_the_question(question):
    """Each field and type is one of the version that is locked."""
    schema = create_schema().graphql_schema
    assert graphql.validate(schema, graphql.parse(getattr(retrain, question))) == []
