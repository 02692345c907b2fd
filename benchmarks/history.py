"""How much longer a month takes when many months lie before it.

    python -m benchmarks.history --customers 2000 --months 6 36

Two installations of the same operator, one with a short and one with a long history, each made in
one run. Then the newest month, from landed files to features, is run in turns on both; what it
reads back is six months in either.
"""

import argparse
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

from churn_platform.months import shift
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform_tests.support.graph_runs import Graph

NEWEST = date(2026, 10, 1)
CALLS = 10


class Operator:
    """An installation in a folder of its own, with a history up to the newest month."""

    def __init__(self, folder: Path, customers: int, months: int, oldest: date):
        folder.mkdir()
        self.graph = Graph(folder, tuning_trials=0)
        self.graph.overrides["first_month"] = oldest
        first = shift(NEWEST, 1 - months)
        settings = self.graph.settings
        config = SimulationConfig(
            customers=customers, months=months, seed=1, first_month=first, calls_per_customer=CALLS
        )
        simulate(config, settings.landing_dir, settings.truth_dir)
        self.graph.run("telecomit_features", first, NEWEST)

    def seconds(self) -> float:
        """Of the newest month."""
        begun = time.perf_counter()
        self.graph.run("telecomit_features", NEWEST, NEWEST)
        return time.perf_counter() - begun


def main() -> None:
    """Print the seconds of each turn, and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--months", type=int, nargs=2, default=[6, 36])
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        oldest = shift(NEWEST, 1 - max(arguments.months))
        short, long = (
            Operator(Path(folder) / f"{place}", arguments.customers, months, oldest)
            for place, months in enumerate(arguments.months)
        )
        turns = [(short.seconds(), long.seconds()) for _ in range(arguments.turns)]
    for after_few, after_many in turns:
        print(
            f"after {arguments.months[0]} months {after_few:.1f} s, "
            f"after {arguments.months[1]} {after_many:.1f} s"
        )
    few, many = (median(side) for side in zip(*turns, strict=True))
    print(f"ratio of the medians {many / few:.2f}")


if __name__ == "__main__":
    main()
