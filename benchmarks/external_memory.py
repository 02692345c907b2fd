"""Peak memory, seconds and accuracy of XGBoost fitted in memory and on streamed rows, each in a
process of its own.

    python benchmarks/external_memory.py --rows 2000000 --features 45

The rows are made batch by batch from a seed, so that only the fit decides how much memory is used.
'floor' is a process that reads every batch once and fits nothing.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from churn_platform.training.candidates import xgboost
from churn_platform.training.training_data import Labelled

BATCH_ROWS = 100_000
PARAMETERS = {**xgboost.DEFAULTS[0], "max_depth": 4}


def made_rows(rows: int, features: int) -> Iterator[Labelled]:
    """Customers in batches, the same each time; churn depends on a handful of the features."""
    for number, begin in enumerate(range(0, rows, BATCH_ROWS)):
        yield made_batch(min(BATCH_ROWS, rows - begin), features, seed=number)


def made_batch(rows: int, features: int, *, seed: int) -> Labelled:
    """One batch of customers."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, features)).astype(np.float32)
    log_odds = (
        -3 + values[:, :5] @ np.array([1.0, -0.8, 0.6, -0.4, 0.2]) + values[:, 0] * values[:, 5] / 2
    )
    churned = (generator.uniform(size=rows) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    return Labelled(values, churned, np.zeros(rows, dtype=np.int8))


def fit(kind: str, rows: int, features: int, threads: int, rounds: int) -> dict[str, float]:
    """Peak memory in MB, seconds, and AUC on 100,000 further customers."""
    from sklearn.metrics import roc_auc_score

    batches = partial(made_rows, rows, features)
    parameters = {**PARAMETERS, "n_estimators": rounds}
    begun = time.perf_counter()
    if kind == "floor":
        sum(len(batch) for batch in batches())
    elif kind == "in memory":
        parts = list(batches())
        train = Labelled(
            np.vstack([part.features for part in parts]),
            np.concatenate([part.churned for part in parts]),
            np.empty(0),
        )
        parts.clear()
        model = xgboost.fit((), train, parameters, seed=1, threads=threads)
    else:
        with tempfile.TemporaryDirectory() as folder:
            model = xgboost.fit_streamed(
                batches, parameters, seed=1, threads=threads, cache_dir=Path(folder)
            )
    measured = {"seconds": time.perf_counter() - begun, "peak_mb": _peak_mb()}
    if kind != "floor":
        others = made_batch(BATCH_ROWS, features, seed=10**6)
        measured["auc"] = float(
            roc_auc_score(others.churned, model.predict_proba(others.features)[:, 1])
        )
    return measured


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print a line for each way of fitting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--features", type=int, default=45)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--only", choices=["floor", "in memory", "streamed"])
    arguments = parser.parse_args()
    if arguments.only:
        measured = fit(
            arguments.only, arguments.rows, arguments.features, arguments.threads, arguments.rounds
        )
        print(json.dumps(measured))
        return
    told = f"{arguments.rounds} rounds, {arguments.threads} threads"
    print(f"{arguments.rows:,} rows x {arguments.features} features, {told}")
    for kind in ("floor", "in memory", "streamed"):
        command = [sys.executable, __file__, "--only", kind, *sys.argv[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        measured = json.loads(done.stdout)
        auc = f"   AUC {measured['auc']:.4f}" if "auc" in measured else ""
        print(f"  {kind:<12}{measured['seconds']:8.1f} s{measured['peak_mb']:9,.0f} MB{auc}")


if __name__ == "__main__":
    main()
