"""The drill of docs/streams.md: two hosts read one stream, one of them is killed again and again.

No event may be lost, the newest must count on both hosts, every bad event must be set aside and
every other be answered. `make streams-check` runs it.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from churn_platform_tests.support.brokers import (
    DEAD,
    SCORES,
    KafkaCluster,
    NatsServer,
    broker_of,
)
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.processes import ROOT, serving
from churn_platform_tests.support.served_bundles import publish
from churn_platform_tests.support.tiny import fit_tiny
from churn_platform_tests.support.waiting import eventually

pytestmark = pytest.mark.slow

CUSTOMERS, EVENTS_EACH, BAD, KILLS = 1_000, 12, 50, 20
Server = KafkaCluster | NatsServer


class Stream:
    """`churn stream` as a process, beside the service of a folder."""

    def __init__(self, kind: str, server: Server, folder: Path, service_port: int, *more: str):
        (self.port,) = free_ports(1)
        self._folder, self._more = folder, more
        self._command = [
            *(sys.executable, "-m", "churn_platform.cli", "stream", "--from", kind),
            *("--url", f"http://127.0.0.1:{service_port}", "--port", str(self.port)),
            *("--group", folder.name, *more),
        ]
        self._environment = os.environ | {
            "CHURN_DATA_DIR": str(folder),
            "CHURN_STREAM_ADDRESS": server.address,
            "CHURN_STREAM_OUTBOX_FOLDER": str(folder / "state" / "outbox"),
        }
        self.start()

    def start(self) -> None:
        """Start it, again or for the first time."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    @property
    def log(self) -> Path:
        """What it says."""
        return self._folder / "stream.log"

    def value(self, metric: str) -> float | None:
        """A metric; None before it answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as got:
                text = got.read().decode()
        except OSError:
            assert self._process.poll() is None, self.log.read_text()[-3000:]
            return None
        found = re.search(rf"^{re.escape(metric)} (.*)$", text, re.MULTILINE)
        return float(found[1]) if found else None

    def kept(self) -> float:
        """Events that it has brought to the service since it was started."""
        return self.value('churn_stream_events_total{outcome="kept"}') or 0.0

    def is_done(self) -> bool:
        """Whether nothing waits."""
        return self.value("churn_stream_lag_events") == 0.0

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """End it as a process manager does; returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)


def world(seed: int) -> tuple[list[bytes], dict[str, dict[str, float]]]:
    """Events in a drawn order, some of them bad, and what must hold of each customer in the end."""
    draw = random.Random(seed)
    values: list[bytes] = []
    newest: dict[str, dict[str, float]] = {}
    begin = time.time() - 3_600
    for number in range(CUSTOMERS):
        customer_id = f"S{number:05d}"
        for step in range(EVENTS_EACH):
            features = {"usage": draw.randrange(10_000) / 100}
            if draw.random() < 0.5:
                features["tickets"] = draw.randrange(50)
            newest[customer_id] = newest.get(customer_id, {}) | features
            values.append(event(customer_id, begin + step, features))

    values += [event(f"S{number:05d}", begin, {"tickets": -1}) for number in range(BAD // 2)]
    values += [b"no event %d" % number for number in range(BAD // 2)]
    draw.shuffle(values)
    return values, newest


def event(customer_id: str, at: float, features: dict[str, Any]) -> bytes:
    """An event of the tiny portfolio."""
    instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    said = {"portfolio": "tiny", "customer_id": customer_id, "event_time": instant}
    return json.dumps(said | {"features": features}).encode()


def asked(port: int, path: str, body: Any = None) -> Any:
    """The answer of a service."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def held(port: int, customer_id: str) -> dict[str, Any]:
    """What a service holds of a customer by pushes."""
    return asked(port, f"/customers/{customer_id}")["pushed"]


@contextmanager
def host(folder: Path) -> Iterator[int]:
    """The port of a service on its own."""
    folder.mkdir()
    publish(folder / "published", fit_tiny("xgboost"))
    with serving(folder, workers=1, SERVING_SHARE_PUSHES="true") as port:
        yield port


@pytest.mark.parametrize("kind", ["kafka", "nats"])
def test_a_consumer_that_is_killed_loses_no_event(kind, tmp_path):
    """Twenty times in the middle, while the other host goes on undisturbed."""
    values, newest = world(seed=7)
    draw = random.Random(11)
    with ExitStack() as started:
        server = started.enter_context(broker_of(kind, tmp_path / "broker"))
        ports = [started.enter_context(host(tmp_path / name)) for name in ("a", "b")]
        server.send(values)
        undisturbed = Stream(kind, server, tmp_path / "b", ports[1])
        started.callback(undisturbed.kill)
        eventually(lambda: undisturbed.kept() > 0, seconds=120)
        begun, before = time.monotonic(), undisturbed.kept()
        eventually(undisturbed.is_done, seconds=300)
        rate = (len(values) - BAD - before) / (time.monotonic() - begun)

        killed = Stream(kind, server, tmp_path / "a", ports[0], "--score-to", SCORES)
        started.callback(lambda: killed.kill())
        seen = 0.0
        for _ in range(KILLS):
            wanted = draw.randrange(1, 400)
            eventually(lambda wanted=wanted: killed.kept() >= wanted, seconds=120)
            seen += killed.kept()
            assert not killed.is_done(), "all was done before the last kill"
            killed.kill()
            killed.start()
        eventually(killed.is_done, seconds=600)

        for port in ports:
            wrong = {one for one in newest if held(port, one) != newest[one]}
            assert wrong == set()
        # NATS leaves out the second of two hosts that set the same event aside.
        dead = server.sent(DEAD, BAD)
        expected = {value for value in values if b"no event" in value or b": -1" in value}
        assert {value for value, _ in dead} == expected
        scores = server.sent(SCORES, len(values) - BAD)
        answered = {headers["churn-event"] for _, headers in scores}
        assert len(answered) == len(values) - BAD

        push = {"customer_id": "S00000", "features": {"tickets": 49}}
        asked(ports[0], "/features/push", push)
        pushed_at = time.monotonic()
        eventually(lambda: held(ports[1], "S00000")["tickets"] == 49, seconds=60)
        seconds = time.monotonic() - pushed_at
        assert [killed.end(), undisturbed.end()] == [0, 0]
    print(
        f"\n{kind}: {len(values):,} events, {rate:,.0f}/s undisturbed; {KILLS} kills after "
        f"{seen:,.0f} acknowledged, {len(newest):,} customers right on both hosts, "
        f"{len(dead)} dead letters, {len(scores):,} scores of {len(answered):,} events, "
        f"a push on the other host after {seconds:.2f} s"
    )


def test_a_broker_that_is_away_is_waited_for(tmp_path):
    """At the start and in the middle: told in a line, and it goes on by itself."""
    with ExitStack() as started:
        server = started.enter_context(broker_of("nats", tmp_path / "broker"))
        assert isinstance(server, NatsServer)
        port = started.enter_context(host(tmp_path / "a"))
        server.kill()
        stream = Stream("nats", server, tmp_path / "a", port)
        started.callback(stream.kill)
        for number in range(2):
            told = f"nats at {server.address} (CHURN_STREAM_ADDRESS) does not answer: "
            eventually(lambda told=told: told in stream.log.read_text(), seconds=60)
            eventually(lambda: stream.value("churn_stream_up") == 0.0, seconds=60)
            server.start()
            server.send([event("S1", time.time() - 60 + number, {"tickets": number})])
            eventually(lambda number=number: stream.kept() >= number + 1, seconds=90)
            assert held(port, "S1") == {"tickets": number}
            server.kill()
        server.start()
        assert stream.end() == 0
        assert "Traceback" not in stream.log.read_text()
