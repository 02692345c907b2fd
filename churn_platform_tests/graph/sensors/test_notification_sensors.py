"""Who is told what, and that nobody's absence matters."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr

from churn_platform.graph.sensors.webhook import TEXT_MOST, decision_message, failure_message, post
from churn_platform_tests.graph.conftest import Daemon
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH, TINY


@dataclass
class Webhook:
    """A webhook that keeps what it was told and answers with a status."""

    url: str = ""
    status: int = 200
    told: list[str] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook on the loopback."""
    hook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            hook.told.append(
                json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
            )
            self.send_response(hook.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the test's output."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hook.url = f"http://127.0.0.1:{server.server_port}/secret"
    yield hook
    server.shutdown()
    server.server_close()


def listening(daemon: Daemon, url: str) -> Daemon:
    """The daemon with a webhook set."""
    daemon.settings = daemon.settings.model_copy(
        update={"automation_webhook_url": SecretStr(url), "automation_webhook_timeout_seconds": 0.5}
    )
    return daemon


def test_news_are_told_once(daemon: Daemon, webhook: Webhook):
    """A flag is told with its reasons, once; a quiet month and what was before the first look are
    not.
    """
    listening(daemon, webhook.url)
    daemon.flag(JANUARY)
    daemon.tick("tiny_news")
    daemon.flag(FEBRUARY)
    for _ in range(5):
        daemon.tick("tiny_news")
    daemon.decide(MARCH)
    daemon.tick("tiny_news")
    assert webhook.told == ["*A tiny operator*, 2025-02: training is asked for: AUC fell"]


def row(**given: object) -> dict[str, object]:
    """A decision's row."""
    return {
        "month": date(2025, 3, 1),
        "retraining_required": False,
        "severity": "quiet",
        "reasons": ["watched"],
        "drifted_features": [],
    } | given


def test_a_notable_month_is_told_with_its_features():
    """Drift that asks for no training yet is told as such; a quiet month is not."""
    assert decision_message(TINY, row()) is None
    assert decision_message(TINY, row(severity="notable", drifted_features=["usage"])) == (
        "*A tiny operator*, 2025-03: notable drift, no training: watched\ndrifted: usage"
    )


def test_no_customer_is_named():
    """What a cause quotes of a file stays out of the message."""
    cause = (
        "tiny_raw/customers: 2025-01.csv: column id: 2 keys occur more than once, e.g. C-17; "
        "nothing of it was loaded"
    )
    told = failure_message("job", "id", "2025-01", cause)
    assert told == "*job* failed for 2025-01: " + cause.replace(", e.g. C-17", "") + "\nrun id"


def test_a_long_cause_is_cut(webhook: Webhook):
    """A message has at most as many characters as chats take."""
    assert (
        post(webhook.url, failure_message("job", "id", "2025-01", "x" * 10_000), timeout_seconds=2)
        is None
    )
    assert len(webhook.told[0]) == TEXT_MOST
    assert webhook.told[0].startswith("*job* failed for 2025-01: xxx")


@pytest.mark.parametrize("kind", ["error", "nobody", "silent", "no address"])
@invariant(
    "Monitoring",
    "A webhook that is down, slow or broken fails nothing, and its address is shown nowhere.",
)
def test_a_webhook_may_fail(daemon: Daemon, webhook: Webhook, kind: str):
    """An error, a closed port, silence and nonsense end in words without the secret address; the
    sensor goes on.
    """
    webhook.status = 500
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        urls = {
            "error": webhook.url,
            "nobody": f"http://127.0.0.1:{closed.getsockname()[1]}/secret",
            "silent": f"http://127.0.0.1:{silent.getsockname()[1]}/secret",
            "no address": "secret",
        }
        if kind == "nobody":
            closed.close()
        wrong = post(urls[kind], "hello", timeout_seconds=0.5)
        assert wrong is not None
        assert "secret" not in wrong
        listening(daemon, urls[kind]).tick("tiny_news")
        daemon.flag(JANUARY)
        before = daemon.cursors["tiny_news"]
        daemon.tick("tiny_news")
        assert daemon.cursors["tiny_news"] != before
