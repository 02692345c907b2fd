"""What one month of a large operator costs: every stage, from landed files to published scores,
beside its floor.

    python -m benchmarks.scale --customers 2100000

For a tenth, three tenths and all of the customers: simulates six months of 50 call records per
customer, takes the first five in, trains on them, then runs the newest month in one process, stage
by stage. What is done is kept in `results.json` of the folder, so that a run that was stopped goes
on where it was. docs/scale.md has the figures.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.scale.report import growth_table, size_table
from benchmarks.scale.world import BEFORE, FIRST, HISTORY, MONTH
from churn_platform.months import label, month_range
from churn_platform.storage.atomic_file import new_file

QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
PANDAS_SECONDS = 60


class Results:
    """What was measured, by size and stage, kept on disk."""

    def __init__(self, path: Path):
        self.path = path
        self.measured: dict[int, dict[str, Any]] = {}
        if path.exists():
            self.measured = {
                int(size): stages for size, stages in json.loads(path.read_text()).items()
            }

    def of(self, customers: int) -> dict[str, Any]:
        """Stages measured at a size."""
        return self.measured.setdefault(customers, {})

    def keep(self, customers: int, stage: str, found: dict[str, Any]) -> None:
        """Put a stage on disk."""
        self.of(customers)[stage] = found
        with new_file(self.path) as draft:
            draft.write_text(json.dumps(self.measured, indent=1))


def measure_size(customers: int, folder: Path, results: Results) -> None:
    """Run what is missing at a size; the history's landed files go once they are in the lake."""
    done = results.of(customers)
    run_stages([stage for stage in HISTORY if stage not in done], customers, folder, results)
    drop_landed(folder)
    run_stages([stage for stage in MONTH if stage not in done], customers, folder, results)
    for stage in MONTH:
        if "floor" not in done[stage]:
            results.keep(
                customers, stage, {**done[stage], "floor": answer(module("floors", stage, folder))}
            )
    if "pandas" not in done:
        results.keep(customers, "pandas", answer(module("pandas_way", folder, PANDAS_SECONDS)))


def run_stages(stages: list[str], customers: int, folder: Path, results: Results) -> None:
    """Run stages in one process, each put on disk when it ends."""
    if not stages:
        return
    command = module("stages", folder, customers, *stages)
    with subprocess.Popen(
        command, env=os.environ | QUIET, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            print(f"{customers:,} customers: {line}", end="", flush=True)
            found = json.loads(line)
            results.keep(customers, found.pop("stage"), found)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def drop_landed(folder: Path) -> None:
    """Remove the landed files of the months before the newest."""
    for month in month_range(FIRST, BEFORE):
        for path in (folder / "landing").glob(f"*/*/{label(month)}.parquet"):
            path.unlink()


def module(name: str, *arguments: object) -> list[str]:
    """The command that runs a module of this package."""
    return [sys.executable, "-m", f"benchmarks.scale.{name}", *map(str, arguments)]


def answer(command: list[str]) -> dict[str, float]:
    """What a command prints as its last line, JSON."""
    done = subprocess.run(
        command, env=os.environ | QUIET, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure every size, then print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--customers", type=int, default=2_100_000, help="customers of the largest size"
    )
    parser.add_argument(
        "--shares", type=float, nargs="*", default=[0.1, 0.3, 1.0], help="sizes as shares of it"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("data/bench/scale"),
        help="where to work and keep results",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the lake of each size (22 GB at 2.1 million)"
    )
    arguments = parser.parse_args()
    results = Results(arguments.folder / "results.json")
    sizes = sorted(round(arguments.customers * share) for share in arguments.shares)
    for customers in sizes:
        folder = arguments.folder / str(customers)
        measure_size(customers, folder.resolve(), results)
        print(f"\n{size_table(customers, results.of(customers))}", flush=True)
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{growth_table({size: results.of(size) for size in sizes})}")


if __name__ == "__main__":
    main()
