"""A deployed service is checked over HTTP alone, and what is wrong is one line."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from litestar.testing import TestClient

from churn_platform import smoke
from churn_platform.errors import SmokeError
from churn_platform.published.live_file import direct_traffic
from churn_platform_tests.serving.conftest import settings_in
from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish, publish_version
from churn_platform_tests.support.waiting import eventually
from serving.answer.dataplane import Dataplane
from serving.security.api_keys import add_key


def asked_of(client: TestClient) -> smoke.Ask:
    """Asks a service in this process."""

    def ask(path: str, body: Any) -> bytes:
        response = client.request("GET" if body is None else "POST", path, json=body)
        if response.status_code != 200:
            raise SmokeError(f"{path} answers {response.status_code}: {response.text}")
        return response.content

    return ask


def test_a_sound_service_passes_every_check(client):
    """A line each for health, version, champion, prediction, /v2 and metrics."""
    checked = [line.partition(": ")[0] for line in smoke.check(asked_of(client))]
    assert checked == ["ok  health", "ok  version", *["ok  tiny"] * 3, "ok  metrics"]


def test_an_experiment_does_not_hide_the_champion(start, tmp_path, booster, linear):
    """The recorded customer meets a version by chance; it is sent until the champion answers."""
    root = publish(tmp_path / "published", booster)
    publish_version(root, 2, linear)
    direct_traffic(root, challenger=2, weight=0.5)
    client = start()
    lines = list(smoke.check(asked_of(client)))
    assert "ok  tiny: champion is version 1, features are of 2025-02" in lines


@pytest.mark.parametrize("path", ["POST /tiny/predict", "POST /v2/models/tiny/infer"])
def test_another_score_than_the_recorded_one_is_told(client, monkeypatch, path):
    """By each of the two ways, with both numbers."""
    answered = Dataplane.answered
    seen: list[int] = []

    def shifted(self: Dataplane, portfolio: Any, asked: Any, probability: float, *rest: Any) -> Any:
        seen.append(1)
        wrong = len(seen) > ("v2" in path)
        return answered(self, portfolio, asked, probability + 2e-5 * wrong, *rest)

    monkeypatch.setattr(Dataplane, "answered", shifted)
    with pytest.raises(SmokeError, match=f"^{path} gives .* instead of "):
        list(smoke.check(asked_of(client)))


def test_a_refused_bundle_is_told(client, tmp_path):
    """The service serves on, but not what was deployed."""
    (tmp_path / "published" / "tiny" / "live.json").write_text("{")
    eventually(lambda: client.get("/health").json()["refused"])
    with pytest.raises(SmokeError, match="the newest bundle of tiny is refused"):
        list(smoke.check(asked_of(client)))


def test_metrics_that_are_missing_are_told(client):
    """A page that answers 200 may still count nothing."""
    ask = asked_of(client)

    def without(path: str, body: Any) -> bytes:
        return b"# nothing\n" if path == "/metrics" else ask(path, body)

    with pytest.raises(SmokeError, match="GET /metrics has no predictions_total"):
        list(smoke.check(without))


def test_a_recorded_customer_that_no_request_may_describe_is_null(client, monkeypatch):
    """`GET /models` leaves it out, and the check says what to do."""
    monkeypatch.setattr("serving.loading.bundles.Model.recorded_features", lambda _: None)
    (model,) = client.get("/models").json()["models"]
    assert model["recorded_prediction"] is None
    with pytest.raises(SmokeError, match="publish the model again"):
        list(smoke.check(asked_of(client)))


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a server that redirects to itself, and fails if it is asked there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_redirect_is_not_followed(elsewhere, capsys):
    """It would take the key along."""
    assert smoke.main(["--url", elsewhere]) == 1
    assert capsys.readouterr().err.startswith("error: /health/ready answers 302: ")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1:8080", "error: '127.0.0.1:8080' is no address; write for example"),
        ("http://127.0.0.1:9", "error: http://127.0.0.1:9/health/ready does not answer: "),
    ],
)
def test_an_address_without_a_service_is_one_line(capsys, url, told):
    """With exit code 1."""
    assert smoke.main(["--url", url]) == 1
    error = capsys.readouterr().err
    assert error.startswith(told)
    assert error.count("\n") == 1


@pytest.mark.parametrize("content", ["", "two words", "schl\u00fcssel"])
def test_a_file_that_holds_no_key_is_told(tmp_path, capsys, content):
    """Before anything is asked."""
    path = tmp_path / "key"
    path.write_text(content)
    assert smoke.main(["--url", "http://127.0.0.1:9", "--key-file", str(path)]) == 1
    assert "must hold one API key and nothing else" in capsys.readouterr().err


def test_a_real_service_with_a_key_is_checked_by_a_light_process(tmp_path, booster):
    """`python -m churn_platform.smoke` in a process of its own; without the key it says so."""
    publish(tmp_path / "published", booster)
    keys_file = settings_in(tmp_path).keys_file
    scopes = ["score", "features"]
    key = add_key(keys_file, name="smoke", scopes=scopes, created_at="2026-01-01")
    (tmp_path / "key").write_text(f"{key}\n")
    command = [sys.executable, "-m", "churn_platform.smoke"]
    with serving(tmp_path, workers=2) as port:
        url = ["--url", f"http://127.0.0.1:{port}/"]
        with_key = [*command, *url, "--key-file", str(tmp_path / "key")]
        passed = subprocess.run(with_key, capture_output=True, text=True, cwd=ROOT)
        refused = subprocess.run([*command, *url], capture_output=True, text=True, cwd=ROOT)
    assert (passed.returncode, passed.stderr) == (0, "")
    assert "ok  metrics: " in passed.stdout
    assert refused.returncode == 1
    assert "answers 401: " in refused.stderr
    assert "give one by --key-file" in refused.stderr


def test_the_check_imports_nothing_but_the_standard_library_and_our_errors():
    """So it runs where only the service is installed, at once."""
    imported = "import sys, churn_platform.smoke; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True)
    names = {name.partition(".")[0] for name in found.stdout.split()}
    assert not names & {"numpy", "msgspec", "typer", "dagster", "duckdb", "litestar", "pandas"}
