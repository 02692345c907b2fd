"""This service beside that of an earlier commit, by id and from 45 features, in pairs.

    python -m benchmarks.serving.pairs --before c57a04c5 --pairs 5

Both run at once, each by its own code on a world of its own, with this environment's libraries.
wrk sends to one after the other, the order changing from pair to pair, so that other work on the
machine hits both. On a busy machine the processor time of a request says more than throughput.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.serving.__main__ import Figures, cpu_seconds, send
from benchmarks.serving.targets import Server, Target
from churn_platform.markdown import table as markdown_table

ROOT = Path(__file__).parents[2]
SERVED = Path(__file__).with_name("served.py")
BEFORE, NOW = "before", "now"
Served = dict[str, tuple[Target, int]]


def check_out(commit: str, folder: Path) -> Path:
    """The files of a commit, in a folder."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@contextmanager
def served(code: Path, folder: Path, customers: int) -> Iterator[Served]:
    """The targets of a service that runs by `code`, each with the service's process."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(SERVED), str(folder), str(customers)],
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    found = {}
    for line in iter(process.stdout.readline, "\n"):
        if not line:
            raise SystemExit(f"the service of {code} did not start")
        told = json.loads(line)
        bodies = Path(told["bodies"]).read_text().splitlines()
        target = Target(told["name"], Server(NOW, [], told["port"]), told["path"], bodies)
        found[target.name] = (target, told["process"])
    yield found
    process.communicate("\n", timeout=60)


def measured(target: Target, process: int, folder: Path, seconds: int) -> Figures:
    """What wrk sees, and the processor time of a request."""
    before = cpu_seconds(process)
    found = send(target, folder, seconds=seconds)
    used = cpu_seconds(process) - before
    return found | {"cpu_us": used / found["requests"] * 1e6}


def compare(
    sides: dict[str, Served], name: str, folder: Path, *, pairs: int, seconds: int
) -> list[str]:
    """A row for a target: medians of both sides, and of the ratios of pairs."""
    seen: dict[str, list[Figures]] = {side: [] for side in sides}
    for pair in range(pairs):
        for side in list(sides)[:: 1 if pair % 2 == 0 else -1]:
            seen[side].append(measured(*sides[side][name], folder, seconds))
    cells = [name]
    for key in ("rps", "cpu_us"):
        ours, theirs = ([found[key] for found in seen[side]] for side in (BEFORE, NOW))
        ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
        cells += [f"{median(ours):,.0f}", f"{median(theirs):,.0f}", f"{median(ratios):.2f}"]
    return cells


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", required=True, help="the commit to compare with")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        code = check_out(given.before, folder / "code")
        with (
            served(code, folder / BEFORE, given.customers) as before,
            served(ROOT, folder / NOW, given.customers) as now,
        ):
            sides = {BEFORE: before, NOW: now}
            for target, _ in [*before.values(), *now.values()]:
                send(target, folder, seconds=1)  # warm up
            rows = []
            for each in before:
                asked = compare(sides, each, folder, pairs=given.pairs, seconds=given.seconds)
                rows.append(asked)
    figures = ["before", "now", "ratio"]
    head = ["target", *(f"{what}, {side}" for what in ("requests/s", "CPU us") for side in figures)]
    print(markdown_table(head, rows))


if __name__ == "__main__":
    main()
