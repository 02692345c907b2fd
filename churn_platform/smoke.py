"""Checks a service after a deployment, over HTTP alone: `churn smoke`, or `python -m
churn_platform.smoke` where only the service is installed.

Nothing of the platform is needed but the errors, so it starts in a fraction of a second. It scores
the customer that each bundle recorded when it was published, who is no one; the two answers are
logged and counted like all others.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from churn_platform.errors import SmokeError

TOLERANCE = 1e-5  # as in the checks of publication and loading
TRIES = 50  # in an experiment another version may answer; the split goes by request
TIMEOUT_SECONDS = 10.0
ANSWER_BYTES_MAX = 64 << 20
DETAIL_CHARACTERS = 300
METRICS = ("predictions_total", "prediction_log_available")

Ask = Callable[[str, Any], bytes]
"""(path, body to post or None) -> the body of the answer; SmokeError unless it is a 200."""


def main(arguments: list[str] | None = None) -> int:
    """Run every check; 1 and one line on standard error at the first that fails."""
    parser = argparse.ArgumentParser(prog="python -m churn_platform.smoke", description=__doc__)
    parser.add_argument("--url", required=True, help="Address of the service.")
    parser.add_argument("--key-file", type=Path, help="File that holds an API key.")
    given = parser.parse_args(arguments)
    try:
        for line in smoke(given.url, given.key_file):
            print(line, flush=True)
    except SmokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def smoke(url: str, key_file: Path | None) -> Iterator[str]:
    """A line per check that passes; SmokeError at the first that does not."""
    return check(over_http(url, _read_key(key_file) if key_file else None))


def check(ask: Ask) -> Iterator[str]:
    """A line per check of a service that passes; SmokeError at the first that does not."""
    health = _json(ask, "/health/ready")
    portfolios = sorted(health["portfolios"])
    yield f"ok  health: ready, serves {', '.join(portfolios)}"
    if health["refused"]:
        name, why = next(iter(health["refused"].items()))
        raise SmokeError(f"the newest bundle of {name} is refused: {why}")
    server = _json(ask, "/v2")
    yield f"ok  version: {server['name']} {server['version']}"
    for name in portfolios:
        yield from _check_portfolio(ask, name)
    yield _check_metrics(ask, portfolios)


def _check_portfolio(ask: Ask, name: str) -> Iterator[str]:
    models = _json(ask, f"/{name}/models")
    (champion,) = [model for model in models["models"] if model["role"] == "champion"]
    yield (
        f"ok  {name}: champion is version {champion['version']}, "
        f"features are of {models['features_month'] or 'no month'}"
    )
    recorded = champion["recorded_prediction"]
    if recorded is None:
        raise SmokeError(
            f"{name} version {champion['version']} has a recorded prediction that no request may "
            "repeat; publish the model again"
        )
    customer, expected = recorded["features"], recorded["churn_probability"]
    score = _answer_of(champion["version"], lambda: _predicted(ask, name, customer))
    _compare(f"POST /{name}/predict", score, expected)
    yield f"ok  {name}: POST /predict gives the recorded {expected:.6f}"
    tensors = _tensors(_json(ask, f"/v2/models/{name}"), customer)
    score = _answer_of(champion["version"], lambda: _inferred(ask, name, tensors))
    _compare(f"POST /v2/models/{name}/infer", score, expected)
    yield f"ok  {name}: POST /v2 infer gives it as well"


def _answer_of(version: int, score: Callable[[], tuple[int, float]]) -> float:
    """The score that a version gives; SmokeError if it never answers."""
    for _ in range(TRIES):
        answered_by, probability = score()
        if answered_by == version:
            return probability
    raise SmokeError(
        f"version {version} is the champion and gave none of {TRIES} answers, version "
        f"{answered_by} gave the last; `GET /models` shows who has which share of the traffic"
    )


def _predicted(ask: Ask, name: str, customer: dict[str, Any]) -> tuple[int, float]:
    answer = _json(ask, f"/{name}/predict", customer)
    return answer["model_version"], answer["churn_probability"]


def _inferred(ask: Ask, name: str, tensors: dict[str, Any]) -> tuple[int, float]:
    answer = _json(ask, f"/v2/models/{name}/infer", tensors)
    outputs = {output["name"]: output["data"][0] for output in answer["outputs"]}
    return outputs["model_version"], outputs["churn_probability"]


def _tensors(metadata: dict[str, Any], customer: dict[str, Any]) -> dict[str, Any]:
    """The customer as a request of the open inference protocol."""
    inputs = []
    for taken in metadata["inputs"]:
        name = taken["name"]
        if name in customer:
            tensor = {"name": name, "shape": [1], "datatype": taken["datatype"]}
            inputs.append(tensor | {"data": [customer[name]]})
    return {"inputs": inputs}


def _compare(path: str, score: float, expected: float) -> None:
    if not abs(score - expected) <= TOLERANCE:
        raise SmokeError(
            f"{path} gives {score:.6f} for the recorded customer instead of {expected:.6f}; "
            "take the release back, and compare onnxruntime with requirements-serving.lock"
        )


def _check_metrics(ask: Ask, portfolios: list[str]) -> str:
    text = ask("/metrics", None).decode()
    for metric in METRICS:
        if f"\n{metric}{{" not in text:
            raise SmokeError(f"GET /metrics has no {metric}; the service does not count")
    for name in portfolios:
        if f'prediction_log_available{{portfolio="{name}"}} 1.0' not in text:
            raise SmokeError(
                f"answers of {name} cannot be logged; free space on the disk, or correct the rights"
            )
    return "ok  metrics: predictions are counted, and answers can be logged"


def _json(ask: Ask, path: str, body: Any = None) -> Any:
    return json.loads(ask(path, body))


def over_http(url: str, key: str | None) -> Ask:
    """Asks the service at an address; no redirect is followed, since it would take the key
    along.
    """
    opener = urllib.request.build_opener(_NoRedirect)
    headers = {"content-type": "application/json", **({"x-api-key": key} if key else {})}
    base = url.rstrip("/")
    if not base.startswith(("http://", "https://")):
        raise SmokeError(f"{url!r} is no address; write for example http://127.0.0.1:8080")

    def ask(path: str, body: Any) -> bytes:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(base + path, content, headers)
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return response.read(ANSWER_BYTES_MAX)
        except urllib.error.HTTPError as error:
            raise SmokeError(f"{path} answers {error.code}: {_detail(error)}") from error
        except OSError as error:
            why = getattr(error, "reason", error)
            raise SmokeError(
                f"{base}{path} does not answer: {why}; is the service started there?"
            ) from error

    return ask


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _detail(error: urllib.error.HTTPError) -> str:
    """What an error of the service says, in one line; other text is cut."""
    content = error.read(ANSWER_BYTES_MAX).decode(errors="replace")
    try:
        told = json.loads(content)
        detail = told.get("detail") or told.get("error") or content
    except (ValueError, AttributeError):
        detail = content or error.reason
    line = " ".join(str(detail).split())[:DETAIL_CHARACTERS]
    if error.code == 401:
        line += "; give one by --key-file"
    return line


def _read_key(path: Path) -> str:
    try:
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SmokeError(f"the key in {path} cannot be read: {error}") from error
    if not key or not key.isascii() or len(key.split()) > 1:
        raise SmokeError(
            f"{path} must hold one API key and nothing else; `python -m serving keys add` makes one"
        )
    return key


if __name__ == "__main__":
    sys.exit(main())
