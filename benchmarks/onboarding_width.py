"""Measures the onboarding of a wide file: seconds and peak memory.

    python -m benchmarks.onboarding_width [--columns 2000] [--rows 5000]

The file is made anew: numbers, counts, categories, decimal commas and dates by turns. Goal: less
than 60 seconds and 2 GB on two quiet cores.
"""

import argparse
import csv
import resource
import time
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from churn_platform.onboarding import onboard

FIRST_DAY = date(2015, 1, 1)


def write_wide_file(path: Path, *, columns: int, rows: int, seed: int = 7) -> None:
    """A customer file in which a fifth churned, with columns of five kinds."""
    generator = np.random.default_rng(seed)
    churned = generator.random(rows) < 0.2
    makers = (
        lambda: [f"{value:.3f}" for value in generator.normal(size=rows)],
        lambda: generator.integers(0, 300, rows).tolist(),
        lambda: [f"level {value}" for value in generator.integers(0, 12, rows)],
        lambda: [f"{value:.2f}".replace(".", ",") for value in generator.gamma(2, 30, rows)],
        lambda: [FIRST_DAY + timedelta(int(day)) for day in generator.integers(0, 3000, rows)],
    )
    values = [makers[place % len(makers)]() for place in range(columns)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *(f"v{place}" for place in range(columns)), "churn"])
        for row in range(rows):
            label = "Yes" if churned[row] else "No"
            writer.writerow([f"C{row:06d}", *(column[row] for column in values), label])


def main() -> None:
    """Write the file, onboard it and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=5000)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "wide.csv"
        write_wide_file(file, columns=asked.columns, rows=asked.rows)
        before = resource.getrusage(resource.RUSAGE_SELF)
        begun = time.perf_counter()
        made = onboard(
            file,
            name="wide",
            id_column="id",
            label_column="churn",
            portfolios_dir=Path(folder) / "own",
        )
        seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    features = len(made.portfolio.features)
    print(f"{asked.columns:,} columns x {asked.rows:,} rows, {features:,} features")
    memory = after.ru_maxrss / 1e6
    print(f"{seconds:.1f} s, of which {cpu:.1f} s of CPU; peak memory {memory:.2f} GB")


if __name__ == "__main__":
    main()
