"""Tunes and fits one candidate and logs it to MLflow: trials, parameters, metrics, record,
signature and model.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_platform.metrics.metric_pictures import Scored, pictures
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.candidates import ALGORITHMS, Parameters, RowStream
from churn_platform.training.model import ChurnModel, calibrated, fit_model
from churn_platform.training.model_record import RECORD_FILE, ModelRecord, make_record
from churn_platform.training.model_registry import log_model
from churn_platform.training.splits import scored_rows
from churn_platform.training.training_data import TrainingData, TrainingSet
from churn_platform.training.trials import record_trial
from churn_platform.training.tune import Budget, Trial, choose_parameters

if TYPE_CHECKING:
    from dagster_mlflow.resources import MlFlow

EXAMPLE_ROWS = 5


@dataclass(frozen=True)
class Means:
    """What a fit may use: threads, a budget for tuning, and a folder for rows that do not fit into
    memory.
    """

    threads: int
    budget: Budget
    cache_dir: Path


def fit_and_log(
    mlflow: "MlFlow",
    portfolio: Portfolio,
    algorithm: str,
    training_set: TrainingSet,
    data: TrainingData,
    *,
    every_row: RowStream,
    means: Means,
    code_version: str,
    on_trial: Callable[[Trial], None],
) -> ModelRecord:
    """The record of the tuned and fitted candidate, which the active MLflow run then holds with the
    model.

    `every_row` gives the training rows of which `data.train` is a sample, where they are too many.
    `on_trial` hears of each trial of tuning as it ends.
    """
    run = mlflow.active_run().info  # type: ignore[attr-defined]

    def record_and_tell(trial: Trial) -> None:
        record_trial(trial, parent_run_id=run.run_id, experiment_id=run.experiment_id)
        on_trial(trial)

    parameters = choose_parameters(
        algorithm,
        portfolio.features,
        data.train,
        scored_rows(data.train, data.validation.untouched, portfolio.split),
        budget=means.budget,
        seed=portfolio.split.seed,
        threads=means.threads,
        on_trial=record_and_tell,
    )
    model = fit_with(
        parameters,
        portfolio,
        algorithm,
        training_set,
        data,
        every_row=every_row,
        means=means,
    )
    record = make_record(
        portfolio,
        training_set,
        model,
        data,
        mlflow_run_id=run.run_id,
        code_version=code_version,
        threads=means.threads,
        is_streamed=streams(algorithm, training_set),
    )
    mlflow.log_params(_parameters(record, model, data))
    mlflow.log_metrics(_logged_metrics(record))  # type: ignore[attr-defined]
    # The record is before the model: a run that has a model always says how it was made.
    mlflow.log_dict(record.as_dict(), RECORD_FILE)  # type: ignore[attr-defined]
    _log_pictures(model, record, data)
    log_model(model, data.validation.features[:EXAMPLE_ROWS])
    return record


def fit_with(
    parameters: Parameters,
    portfolio: Portfolio,
    algorithm: str,
    training_set: TrainingSet,
    data: TrainingData,
    *,
    every_row: RowStream,
    means: Means,
) -> ChurnModel:
    """The model that given parameters make of a training set; the same each time, with the same
    threads.
    """
    seed, threads = portfolio.split.seed, means.threads
    fit_streamed = ALGORITHMS[algorithm].fit_streamed
    if fit_streamed is None or not streams(algorithm, training_set):
        return fit_model(
            algorithm,
            portfolio.features,
            data.train,
            data.validation.untouched,
            seed=seed,
            threads=threads,
            parameters=parameters,
        )

    means.cache_dir.mkdir(parents=True, exist_ok=True)
    # On the data disk: the system's temporary folder is often memory, and this holds every row.
    with tempfile.TemporaryDirectory(dir=means.cache_dir) as folder:
        estimator = fit_streamed(
            every_row,
            parameters,
            seed=seed,
            threads=threads,
            cache_dir=Path(folder),
        )

    return calibrated(
        algorithm,
        portfolio.features,
        estimator,
        data.validation.untouched,
        parameters,
    )


def streams(algorithm: str, training_set: TrainingSet) -> bool:
    """Whether a fit reads every training row in batches: there are too many for memory, and the
    algorithm can.
    """
    return training_set.train_share < 1 and ALGORITHMS[algorithm].fit_streamed is not None


def _log_pictures(model: ChurnModel, record: ModelRecord, data: TrainingData) -> None:
    """Pictures of the candidate on the hold-out, as files of the active run."""
    import mlflow

    holdout = data.holdout
    probability = model.churn_probability(holdout.features)
    name = record.algorithm.replace("_", " ")
    scored = Scored(holdout.churned, probability, record.threshold)
    drawn = pictures({name: scored})
    with tempfile.TemporaryDirectory() as folder:
        for name, png in drawn.items():
            path = Path(folder, f"{name}.png")
            path.write_bytes(png)

        mlflow.log_artifacts(folder, "pictures")


def _logged_metrics(record: ModelRecord) -> dict[str, float]:
    logged = {"threshold": record.threshold}
    for name, value in record.validation.items():
        logged[f"validation_{name}"] = value

    for name, value in record.holdout.items():
        logged[f"holdout_{name}"] = value

    for name, (low, high) in record.holdout_intervals.items():
        logged[f"holdout_{name}_low"] = low
        logged[f"holdout_{name}_high"] = high

    return logged


def _parameters(record: ModelRecord, model: ChurnModel, data: TrainingData) -> dict[str, Any]:
    return record.parameters | {
        "seed": record.seed,
        "train_rows": record.train_rows,
        "validation_rows": len(data.validation),
        "holdout_rows": len(data.holdout),
        "train_share": record.train_share,
        "calibration_slope": model.calibration.slope,
        "calibration_intercept": model.calibration.intercept,
        **({"half_life_months": record.half_life_months} if record.half_life_months else {}),
    }
