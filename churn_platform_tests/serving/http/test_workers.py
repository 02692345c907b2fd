"""What holds over all worker processes: two real ones under granian, on loopback."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.waiting import eventually
from serving.security.api_keys import add_key

ADA = {"customer_id": "C00001"}
WORKERS, SCOPES = 2, ["score", "push", "admin"]


class Connections:
    """A connection to each worker; requests sent through it are answered by that worker."""

    def __init__(self, port: int, key: str):
        self._port, self._key = port, key
        self._of: dict[str, http.client.HTTPConnection] = {}
        eventually(self._has_each)

    def _has_each(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        worker = self._send(connection, "GET", "/health/live", None, self._key)[2]
        self._of.setdefault(worker, connection)
        return len(self._of) == WORKERS

    def ask(
        self, worker: int, method: str, path: str, body: object = None, *, key: str = ""
    ) -> tuple[int, str]:
        """(status, text) as that worker answers, which is checked."""
        name, connection = sorted(self._of.items())[worker]
        status, text, answered_by = self._send(connection, method, path, body, key or self._key)
        assert answered_by == name
        return status, text

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object, key: str
    ) -> tuple[int, str, str]:
        headers = {"content-type": "application/json", "x-api-key": key}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return (
            response.status,
            response.read().decode(),
            response.headers["x-request-id"].split("-")[0],
        )

    def answer_to(self, head: bytes) -> bytes:
        """What comes back for the first bytes of a new connection; empty where it is closed."""
        with socket.create_connection(("127.0.0.1", self._port), timeout=30) as connection:
            connection.sendall(head)
            return connection.recv(4096)

    def score(self, worker: int) -> dict[str, Any]:
        """The answer on ada."""
        return json.loads(self.ask(worker, "POST", "/predict", ADA)[1])


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory, booster) -> Iterator[tuple[Connections, str]]:
    """Connections to two workers, and a key of 5 requests a second beside the usual one."""
    folder = tmp_path_factory.mktemp("workers")
    publish(folder / "published", booster)
    keys, day = folder / "state" / "keys.json", "2026-01-01"
    key = add_key(keys, name="usual", scopes=SCOPES, created_at=day)
    slow = add_key(keys, name="slow", scopes=SCOPES, created_at=day, requests_per_second=5)
    with serving(folder, workers=WORKERS) as port:
        yield Connections(port, key), slow


def test_a_push_through_one_worker_moves_the_score_of_the_other(workers):
    """At once: both read what was pushed, and give the same score."""
    connections, _ = workers
    before = [connections.score(worker) for worker in range(WORKERS)]
    push = {"customer_id": "C00001", "features": {"tickets": 50}}
    assert connections.ask(0, "POST", "/features/push", push)[0] == 200
    after = [connections.score(worker) for worker in (1, 0)]
    assert [one["pushed_features"] for one in before + after] == [[], [], ["tickets"], ["tickets"]]
    assert (
        after[0]["churn_probability"]
        == after[1]["churn_probability"]
        > before[0]["churn_probability"]
    )


def test_metrics_are_summed_over_the_workers(workers):
    """Whichever worker is asked, it tells what both have answered."""
    connections, _ = workers

    def predictions(worker: int) -> float:
        text = connections.ask(worker, "GET", "/metrics")[1]
        return sum(
            float(line.split()[1])
            for line in text.splitlines()
            if line.startswith("predictions_total{")
        )

    eventually(lambda: predictions(0) == predictions(1))
    before = predictions(0)
    for worker in (0, 0, 0, 1, 1):
        connections.score(worker)
    for worker in range(WORKERS):
        eventually(lambda worker=worker: predictions(worker) == before + 5)


def test_a_reset_through_one_worker_holds_in_the_other(workers):
    """The experiment is counted over both, and from zero in both at once."""
    connections, _ = workers

    def counted(worker: int) -> int:
        (arm,) = json.loads(connections.ask(worker, "GET", "/ab-test/stats")[1])["arms"]
        return arm["predictions"]

    for worker in (0, 1):
        connections.score(worker)
    assert counted(0) == counted(1) >= 2
    assert connections.ask(0, "POST", "/ab-test/reset")[0] == 200
    assert (counted(0), counted(1)) == (0, 0)
    for worker in (0, 1, 1):
        connections.score(worker)
    assert (counted(0), counted(1)) == (3, 3)


def test_http_1_alone_is_spoken(workers):
    """Granian closes connections that say nothing only where it need not find out which HTTP they
    speak.
    """
    connections, _ = workers
    assert connections.answer_to(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == b""
    assert connections.answer_to(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").startswith(
        b"HTTP/1.1 200"
    )


def test_a_rate_holds_over_the_workers(workers):
    """A key of five a second is refused by one worker for what it asked of the other."""
    connections, slow = workers
    statuses = [
        connections.ask(turn % WORKERS, "POST", "/predict", ADA, key=slow)[0] for turn in range(40)
    ]
    assert statuses[:5] == [200] * 5
    refused = {turn % WORKERS for turn, status in enumerate(statuses) if status == 429}
    assert refused == {0, 1}
    assert statuses.count(200) <= 5 + 1 + 5 * 10  # a burst, and five for every second that it took
