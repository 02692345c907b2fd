"""How fast one operator-month is simulated: rows per second, seconds and peak memory.

Run as `python benchmarks/simulator.py --customers 200000`. Files go to a temporary directory that
is removed.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

from churn_platform.simulator import SimulationConfig, simulate


def measure(customers: int, months: int) -> dict[str, float]:
    """Rows and MB written, seconds and peak memory of the whole run; the run-in before the first
    month is included.
    """
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        finished: list[float] = []
        simulate(
            SimulationConfig(customers=customers, months=months, seed=1),
            Path(folder, "landing"),
            Path(folder, "truth"),
            lambda _: finished.append(time.perf_counter() - begun),
        )
        paths = list(Path(folder, "landing").rglob("*.parquet"))
        rows = sum(pq.ParquetFile(path).metadata.num_rows for path in paths)
        size_mb = sum(path.stat().st_size for path in paths) / 1e6
    last_month_s = finished[-1] - (finished[-2] if months > 1 else 0.0)
    return {
        "rows": rows,
        "seconds": finished[-1],
        "seconds_last_month": last_month_s,
        "rows_per_second": rows / finished[-1],
        "size_mb": size_mb,
        "peak_memory_mb": peak_memory_mb(),
    }


def peak_memory_mb() -> float:
    """Largest resident size of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=1)
    arguments = parser.parse_args()
    for name, value in measure(arguments.customers, arguments.months).items():
        print(f"{name:20} {value:>16,.1f}")


if __name__ == "__main__":
    main()
