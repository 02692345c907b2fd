"""What it costs that the threads of a fit wait awake, on a quiet machine and on a busy one.

    python -m benchmarks.wait_policy

OpenMP's threads spin while they wait for each other, unless OMP_WAIT_POLICY says PASSIVE. The same
LightGBM and XGBoost fits run in turns either way, in processes of their own: first alone, then
beside as many busy processes as the machine has cores. Prints seconds and their ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from statistics import median

from churn_platform.markdown import table

ROWS, COLUMNS, ROUNDS, THREADS = 100_000, 45, 100, 2
POLICIES = ("ACTIVE", "PASSIVE")
BUSY = "while True: pass"


def main() -> None:
    """Print a line for each algorithm and load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--fit", choices=("lightgbm", "xgboost"), help="one fit, for this script")
    arguments = parser.parse_args()
    if arguments.fit:
        print(json.dumps(_fit(arguments.fit)))
        return

    rows = []
    for neighbours in (0, os.cpu_count() or 1):
        with ExitStack() as stack:
            for _ in range(neighbours):
                stack.callback(_stop, subprocess.Popen([sys.executable, "-c", BUSY]))

            for algorithm in ("lightgbm", "xgboost"):
                print(f"{algorithm} beside {neighbours} busy ...", file=sys.stderr)
                rows.append(_row(algorithm, neighbours, arguments.turns))

    head = ["fit", "beside", "awake", "asleep", "CPU awake", "CPU asleep", "times faster"]
    print(table(head, rows, align="llrrrrr"))


def _row(algorithm: str, neighbours: int, turns: int) -> list[str]:
    taken: dict[str, list[tuple[float, float]]] = {policy: [] for policy in POLICIES}
    for _ in range(turns):
        for policy in POLICIES:
            taken[policy].append(_in_own_process(algorithm, policy))

    medians = []
    for policy in POLICIES:
        wall, cpu = zip(*taken[policy], strict=True)
        medians.append((median(wall), median(cpu)))

    (awake, cpu_awake), (asleep, cpu_asleep) = medians
    return [
        algorithm,
        f"{neighbours} busy",
        f"{awake:.1f} s",
        f"{asleep:.1f} s",
        f"{cpu_awake:.1f} s",
        f"{cpu_asleep:.1f} s",
        f"{awake / asleep:.2f}",
    ]


def _in_own_process(algorithm: str, policy: str) -> tuple[float, float]:
    """Wall and CPU seconds of one fit; the policy is read when the library is loaded."""
    command = [sys.executable, "-m", "benchmarks.wait_policy", "--fit", algorithm]
    environment = {**os.environ, "OMP_WAIT_POLICY": policy}
    ran = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    wall, cpu = json.loads(ran.stdout.splitlines()[-1])
    return wall, cpu


def _fit(algorithm: str) -> tuple[float, float]:
    import numpy as np
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    generator = np.random.default_rng(1)
    features = generator.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    churned = generator.uniform(size=ROWS) < 1 / (1 + np.exp(3 - features[:, :5].sum(axis=1)))
    shared = {"n_estimators": ROUNDS, "learning_rate": 0.05, "n_jobs": THREADS}
    model = (
        LGBMClassifier(num_leaves=6, verbosity=-1, **shared)
        if algorithm == "lightgbm"
        else XGBClassifier(max_depth=3, **shared)
    )
    begun, cpu_begun = time.perf_counter(), time.process_time()
    model.fit(features, churned)
    return time.perf_counter() - begun, time.process_time() - cpu_begun


def _stop(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


if __name__ == "__main__":
    main()
