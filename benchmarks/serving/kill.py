"""Kills a worker of the service under load, again and again: what was answered must be in the log,
once.

    python -m benchmarks.serving.kill --kills 20

Clients keep the request id of every answer that arrived whole. In the end the service is stopped,
its segments are ingested into a lake, and the ids are compared with the table.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import psutil

from benchmarks.clients import asking
from benchmarks.serving.targets import OURS, running, targets
from benchmarks.serving.world import PORTFOLIO, make_world
from churn_platform.serving_log.log_ingestion import ingest_segments
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake, connect

PER_CONNECTION = 1_000_000  # a client keeps its connection until it breaks
PAUSE_SECONDS = (
    6.0  # granian takes a worker that dies twice within 5.5 s for one that cannot run, and stops
)


class Answers:
    """What the clients were told: the id of every answer that arrived whole, and how many
    connections broke.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.broken = 0

    def heard(self, _: int, status: int, text: bytes) -> None:
        """One answer."""
        if status == 200:
            self.ids.append(json.loads(text)["request_id"])

    def failed(self, _: Exception) -> None:
        """One connection broke."""
        self.broken += 1


def kill_workers(server: int, answers: Answers, kills: int) -> None:
    """kill -9 of one worker at a time, each while answers arrive."""
    draw = random.Random(1)
    for number in range(kills):
        begun, before = time.monotonic(), len(answers.ids)
        while (
            time.monotonic() < begun + PAUSE_SECONDS + draw.random()
            or len(answers.ids) < before + 50
        ):
            time.sleep(0.01)
        victim = draw.choice(workers(server))
        os.kill(victim, signal.SIGKILL)
        print(f"kill {number + 1}: worker {victim} after {len(answers.ids):,} answers", flush=True)


def workers(server: int) -> list[int]:
    """The worker processes of a granian server; SystemExit where the server has ended."""
    if psutil.Process(server).status() == psutil.STATUS_ZOMBIE:
        raise SystemExit("the server has ended")
    return [child.pid for child in psutil.Process(server).children()]


def main() -> None:
    """Run the drill; SystemExit where an answer is missing or there twice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        world = make_world(folder, customers=5_000)
        (target,) = [
            one for one in targets(world, mlserver=None, workers=2) if one.name == "ours, by id"
        ]
        answers = Answers()
        with (
            running([target], folder) as servers,
            asking(
                target.server.port,
                target.path,
                target.bodies,
                per_connection=PER_CONNECTION,
                told=answers,
            ),
        ):
            kill_workers(servers[OURS], answers, arguments.kills)
        logged = ingested(folder)
    answered = Counter(answers.ids)
    missing = sum(request_id not in logged for request_id in answered)
    twice = sum(count > 1 for count in logged.values())
    print(
        f"{arguments.kills} kills, {len(answered):,} answers, {answers.broken} broken connections: "
        f"{missing} not in the log, {twice} there twice, "
        f"{len(logged) - len(answered) + missing:,} logged unanswered"
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
