"""AUC on public churn tables: the platform untuned and tuned, beside plain and tuned libraries.

    python -m benchmarks.public_tables ../shared/data/public ../shared/data/ibm_telco.csv
    python -m benchmarks.public_tables FOLDER --trials 10 --references

Each table goes the way of a user: `churn onboard`'s spec, the landed file, features in a lake. The
champion of a fold is chosen without it. The references get the same encoded features and the same
folds: LightGBM with its own defaults and 150 rounds; and, with `--references`, CatBoost, with its
own defaults and tuned, if it is installed. Trials and folds are seeded; default parameters were
chosen on folds of other seeds.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.ingest.landing_folder import land_file
from churn_platform.ingest.load import load_month
from churn_platform.ingest.snapshot import replace_features, replace_labels
from churn_platform.markdown import table as markdown_table
from churn_platform.onboarding.onboard import onboard
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import load_settings
from churn_platform.training.candidates.pipeline import categories
from churn_platform.training.cross_validation import (
    CHAMPION,
    FOLDS,
    cross_validated_aucs,
    stratified_folds,
)
from churn_platform.training.training_data import Labelled, load_labelled
from churn_platform.training.tune import Budget, customer_folds
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, write

if TYPE_CHECKING:
    import pandas as pd
    from catboost import CatBoostClassifier, Pool

SEED = 42
MONTH = date(2025, 1, 1)
PLAIN_ROUNDS = 150
ROWS_MAX, SECONDS_MAX = 100_000, 36_000.0
# Of each table that is known: its id and its label.
COLUMNS = {
    "bank": ("CustomerId", "Exited"),
    "bank_cards": ("clientnum", "churn"),
    "ecommerce": ("CustomerID", "Churn"),
    "ibm_telco": ("customerID", "Churn"),
    "telco_v11": ("CustomerID", "Churn Label"),
    "travel": ("CustomerID", "churn"),
}


@dataclass(frozen=True)
class Table:
    """A public table as the platform reads it."""

    name: str
    portfolio: Portfolio
    customers: Labelled


def main() -> None:
    """Print a line of the table for each file, in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--trials", type=int, default=0, help="per candidate, beyond the defaults")
    parser.add_argument("--references", action="store_true", help="CatBoost, if it is installed")
    parser.add_argument("--json", type=Path, help="where to keep every fold's AUC")
    arguments = parser.parse_args()
    kept = {}
    rows = []
    for file in _files(arguments.paths):
        table = read_table(file)
        found = measure(table, trials=arguments.trials, references=arguments.references)
        kept[table.name] = {name: aucs.tolist() for name, (aucs, _) in found.items()}
        head = ["table", "rows", *found]
        row = [table.name, f"{len(table.customers):,}"]
        for aucs, seconds in found.values():
            row.append(f"{aucs.mean():.4f} ({seconds:.0f} s)")

        rows.append(row)
        # The whole table again after each: a file may take an hour.
        print(markdown_table(head, rows), end="\n\n", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(kept, indent=1))


def _files(paths: list[Path]) -> list[Path]:
    found = []
    for path in paths:
        found += sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return [file for file in found if file.stem in COLUMNS]


def read_table(file: Path) -> Table:
    """The table by way of its spec, the landing folder and a lake of its own."""
    id_column, label_column = COLUMNS[file.stem]
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data_dir=folder)
        portfolio = onboard(
            file,
            name=f"public_{file.stem}",
            id_column=id_column,
            label_column=label_column,
            portfolios_dir=Path(folder) / "portfolios",
        ).portfolio
        (landed,) = portfolio.landed_tables
        land_file(file, settings.landing_dir, portfolio.name, landed.name, MONTH)
        lake = Lake.of(settings)
        with closing(connect(lake)) as connection:
            load_month(
                connection,
                lake,
                portfolio,
                landed,
                MONTH,
                landing_dir=settings.landing_dir,
                hash_key=settings.hash_key(),
            )
            for replace in (replace_features, replace_labels):
                write(connection, lake, partial(replace, connection, portfolio, MONTH))
            snapshot = current_snapshot(connection)
            customers = load_labelled(connection, portfolio, MONTH, snapshot=snapshot)
    return Table(file.stem, portfolio, customers)


def measure(table: Table, *, trials: int, references: bool) -> dict[str, tuple[np.ndarray, float]]:
    """By name the AUC on each fold, (folds,), and the CPU seconds of all folds."""
    found = {}
    budgets = {"untuned": 0} | ({f"{trials} trials": trials} if trials else {})
    for told, count in budgets.items():
        begun = time.process_time()
        aucs = cross_validated_aucs(
            table.portfolio,
            table.customers,
            budget=Budget(count, SECONDS_MAX, ROWS_MAX),
            threads=1,
            seed=SEED,
        )
        spent = time.process_time() - begun
        found[f"{CHAMPION}, {told}"] = (aucs[CHAMPION], spent)
        for algorithm in ("lightgbm", "xgboost"):
            found[f"{algorithm}, {told}"] = (aucs[algorithm], spent)
    found["plain LightGBM"] = _timed(table, _plain_lightgbm)
    if references:
        found["plain CatBoost"] = _timed(table, _plain_catboost)
        if trials:
            found[f"CatBoost, {trials} trials"] = _timed(table, partial(_tuned_catboost, trials))
    return found


def _timed(
    table: Table, predict: Callable[[Portfolio, Labelled, Labelled], np.ndarray]
) -> tuple[np.ndarray, float]:
    from sklearn.metrics import roc_auc_score

    begun = time.process_time()
    aucs = []
    for train, held_out in stratified_folds(table.customers, FOLDS, SEED):
        probability = predict(table.portfolio, train, held_out)
        aucs.append(roc_auc_score(held_out.churned, probability))
    return np.array(aucs), time.process_time() - begun


def _frame(portfolio: Portfolio, rows: Labelled) -> "pd.DataFrame":
    """Features as these libraries want them: categories as such, a missing one as a level."""
    import pandas as pd

    frame = pd.DataFrame(rows.features, columns=list(portfolio.feature_names))
    for place in categories(portfolio.features):
        column = frame.columns[place]
        levels = range(-1, len(portfolio.features[place].levels))
        frame[column] = pd.Categorical(frame[column].fillna(-1).astype(int), categories=levels)
    return frame


def _plain_lightgbm(portfolio: Portfolio, train: Labelled, scored: Labelled) -> np.ndarray:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=PLAIN_ROUNDS, n_jobs=1, random_state=SEED, verbosity=-1)
    model.fit(_frame(portfolio, train), train.churned)
    return model.predict_proba(_frame(portfolio, scored))[:, 1]


def _plain_catboost(portfolio: Portfolio, train: Labelled, scored: Labelled) -> np.ndarray:
    return _fitted_catboost(portfolio, train).predict_proba(_pool(portfolio, scored))[:, 1]


def _fitted_catboost(
    portfolio: Portfolio,
    train: Labelled,
    *,
    stop_on: Labelled | None = None,
    **parameters: float,
) -> "CatBoostClassifier":
    """CatBoost fitted on `train`; with `stop_on` it keeps the round that is best there."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        thread_count=1, random_seed=SEED, verbose=0, allow_writing_files=False, **parameters
    )
    if stop_on is None:
        return model.fit(_pool(portfolio, train))
    judged = _pool(portfolio, stop_on)
    return model.fit(_pool(portfolio, train), eval_set=judged, early_stopping_rounds=50)


def _pool(portfolio: Portfolio, rows: Labelled) -> "Pool":
    from catboost import Pool

    names = [portfolio.feature_names[place] for place in categories(portfolio.features)]
    return Pool(_frame(portfolio, rows), rows.churned, cat_features=names)


def _tuned_catboost(
    trials: int, portfolio: Portfolio, train: Labelled, scored: Labelled
) -> np.ndarray:
    """CatBoost tuned as the candidates are: log loss over four folds of the training rows."""
    import optuna
    from sklearn.metrics import log_loss

    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        parameters = {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "depth": trial.suggest_int("depth", 2, 8),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 0.5, 30, log=True),
        }
        losses, rounds = [], []
        for place, (fitted, judged) in enumerate(customer_folds(train, train, seed=SEED)):
            model = _fitted_catboost(
                portfolio, fitted, stop_on=judged, iterations=2_000, **parameters
            )
            probability = model.predict_proba(_pool(portfolio, judged))[:, 1]
            losses.append(log_loss(judged.churned, probability))
            rounds.append(model.tree_count_)
            trial.report(float(np.mean(losses)), place)
            if trial.should_prune():
                raise optuna.TrialPruned
        trial.set_user_attr("iterations", round(float(np.mean(rounds))))
        return float(np.mean(losses))

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=SEED, n_startup_trials=4, multivariate=True),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    study.enqueue_trial({"learning_rate": 0.05, "depth": 6, "l2_leaf_reg": 3.0})
    study.optimize(objective, n_trials=1 + trials)
    chosen = {**study.best_trial.params, **study.best_trial.user_attrs}
    model = _fitted_catboost(portfolio, train, **chosen)
    return model.predict_proba(_pool(portfolio, scored))[:, 1]


if __name__ == "__main__":
    main()
