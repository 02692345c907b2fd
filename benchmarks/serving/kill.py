"""Kills a worker of the service under load, again and again: what was answered must be in the log, once.

    python -m benchmarks.serving.kill --kills 20

Clients keep the request id of every answer that arrived whole. In the end the service is stopped, its segments are
ingested into a lake, and the ids are compared with the table.
"""

import argparse
import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil

from benchmarks.serving.targets import OURS, Target, running, targets
from benchmarks.serving.world import PORTFOLIO, make_world
from churn_platform.serving_log.ingest import ingest_segments
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake, connect

CLIENTS = 4


class Clients:
    """Threads that ask without pause and keep the ids of what was answered."""

    def __init__(self, target: Target):
        self.target = target
        self.answered: list[str] = []
        self.broken = 0
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, client: int) -> None:
        bodies = self.target.bodies[client::CLIENTS]
        connection = http.client.HTTPConnection("127.0.0.1", self.target.server.port, timeout=30)
        number = 0
        while not self._stopped.is_set():
            number += 1
            try:
                body = bodies[number % len(bodies)]
                connection.request("POST", self.target.path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answer = json.loads(response.read())
            except (OSError, http.client.HTTPException):
                self.broken += 1
                connection.close()
                time.sleep(0.01)
                continue
            if response.status == 200:
                self.answered.append(answer["request_id"])


def kill_workers(target: Target, clients: Clients, kills: int) -> None:
    """kill -9 of one worker at a time, each while answers arrive."""
    draw = random.Random(1)
    for number in range(kills):
        before = len(clients.answered)
        while len(clients.answered) < before + 50 + draw.randrange(100):
            time.sleep(0.01)
        victim = draw.choice(workers(target.server.port))
        os.kill(victim, signal.SIGKILL)
        print(f"kill {number + 1}: worker {victim} after {len(clients.answered):,} answers", flush=True)


def workers(port: int) -> list[int]:
    """Processes that the server has started and that listen on the port."""
    mine = psutil.Process().children(recursive=True)
    listening = [process for process in mine if any(one.laddr.port == port for one in process.net_connections("tcp"))]
    children = [process.pid for process in listening if process.parent() in mine]
    return children or workers(port)


def main() -> None:
    """Run the drill; SystemExit where an answer is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        world = make_world(folder, customers=5_000)
        (target,) = [one for one in targets(world, mlserver=None, workers=2) if one.name == "ours, by id"]
        assert target.server.name == OURS
        with running([target], folder), Clients(target) as clients:
            kill_workers(target, clients, arguments.kills)
        logged = ingested(folder)
    answered = Counter(clients.answered)
    missing = sum(request_id not in logged for request_id in answered)
    twice = sum(count > 1 for count in logged.values())
    print(
        f"{arguments.kills} kills, {len(answered):,} answers, {clients.broken} broken connections: "
        f"{missing} not in the log, {twice} there twice, {len(logged) - len(answered) + missing:,} logged unanswered"
    )
    if missing or twice:
        raise SystemExit(1)


def ingested(folder: Path) -> Counter[str]:
    """How often each request id is in the table after ingestion, asked for twice."""
    settings = load_settings(data_dir=folder)
    lake = Lake.of(settings)
    log_dir = settings.serving_log_dir / PORTFOLIO
    with closing(connect(lake)) as connection:
        for _ in range(2):
            print(ingest_segments(connection, lake, PORTFOLIO, log_dir))
        rows = connection.execute(f"select request_id from {PORTFOLIO}.serving_log").fetchall()
    return Counter(row[0] for row in rows)


if __name__ == "__main__":
    main()
