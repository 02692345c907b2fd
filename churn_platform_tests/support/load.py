"""Clients that ask a service without pause, and what it says of its experiment."""

import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENTS = 8


@dataclass
class Load:
    """What clients were answered, and when (monotonic seconds)."""

    answers: list[tuple[float, int, int, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def versions(self, since: float = 0.0) -> set[int]:
        """The versions that have answered since then."""
        return {version for at, _, version, _ in self.answers if at >= since}

    def last_of(self, version: int) -> float:
        """When a version answered for the last time."""
        return max((at for at, _, one, _ in self.answers if one == version), default=0.0)

    def p99_ms(self, version: int) -> float:
        """The clients' p99 of a version's answers."""
        seconds = sorted(took for _, _, one, took in self.answers if one == version)
        return seconds[int(0.99 * (len(seconds) - 1))] * 1e3


@contextmanager
def asked_all_the_time(port: int, portfolio: str, ids: Sequence[str]) -> Iterator[Load]:
    """Clients ask for customers in turn until the block ends; what fails is kept."""
    load, ended = Load(), threading.Event()

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        place = client
        while not ended.is_set():
            place += CLIENTS
            body = json.dumps({"customer_id": ids[place % len(ids)]})
            begun = time.monotonic()
            try:
                connection.request(
                    "POST", f"/{portfolio}/predict", body, {"content-type": "application/json"}
                )
                answer = connection.getresponse()
                text = answer.read()
                took = time.monotonic() - begun
                if answer.status == 200:
                    version = json.loads(text)["model_version"]
                    load.answers.append((time.monotonic(), place, version, took))
                else:
                    load.failures.append(f"{answer.status} {text[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                load.failures.append(repr(error))
                connection.close()
        connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def stats(port: int, portfolio: str) -> dict:
    """`GET /ab-test/stats`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", f"/{portfolio}/ab-test/stats")
    answer = connection.getresponse()
    assert answer.status == 200
    found: dict = json.loads(answer.read())
    connection.close()
    return found


def is_at(found: dict, step: str) -> bool:
    """Whether the worker that was asked has taken a step live."""
    return found["experiment"] is not None and found["experiment"]["step"] == step


def answers_of(found: dict, arm: str) -> int:
    """Answers of an arm, as the statistics tell them."""
    experiment = found["experiment"]
    if experiment is None:
        return 0
    return next(one["answers"] for one in experiment["arms"] if one["arm"] == arm)
