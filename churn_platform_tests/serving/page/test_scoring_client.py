"""What the page asks of the scoring service, and what it makes of its answers."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from serving.errors import NotReady
from serving.page.scoring_client import Refused, what_if


@contextmanager
def service(status: int, answer: bytes) -> Iterator[tuple[str, list[tuple]]]:
    """A service with one answer: its address, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, self.headers.get("x-api-key"), json.loads(body)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("key", "sent"), [("k1", "k1"), ("", None)])
def test_values_are_sent_for_a_customer(key, sent):
    """To the portfolio's route below the address's own path; the key only if there is one."""
    with service(200, b'{"what_if": []}') as (url, asked):
        answer = what_if(f"{url}/below/", key, "a/b", "C-1", {"usage": 3})
    assert answer == {"what_if": []}
    body = {"customer_id": "C-1", "what_if": {"usage": 3}}
    assert asked == [("/below/a%2Fb/explain", sent, body)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(b'{"detail": "usage: at most 100"}', "usage: at most 100"), (b"{}", "Bad Request")],
)
def test_a_refusal_is_told_in_the_words_of_the_service(answer, reason):
    """Or by its status, if it says nothing."""
    with service(400, answer) as (url, _), pytest.raises(Refused, match=reason):
        what_if(url, "", "tiny", "C-1", {"usage": 300})


def test_an_answer_that_is_no_json_is_none():
    """As of a proxy whose service is away."""
    with service(502, b"<html>") as (url, _), pytest.raises(NotReady, match="does not answer"):
        what_if(url, "", "tiny", "C-1", {})


def test_a_service_that_is_away_is_not_ready():
    """The message names its address."""
    with socket.socket() as bound:
        # Bound and not listened on, so that a connection is refused.
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(NotReady, match=url):
            what_if(url, "", "tiny", "C-1", {})
