"""Fits one candidate and logs it to MLflow: parameters, metrics, record, signature and model."""

from typing import TYPE_CHECKING, Any

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import TrainingData, TrainingSet
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.record import RECORD_FILE, ModelRecord, make_record
from churn_platform.training.registry import log_model

if TYPE_CHECKING:
    from dagster_mlflow.resources import MlFlow

EXAMPLE_ROWS = 5


def fit_and_log(
    mlflow: "MlFlow",
    portfolio: Portfolio,
    algorithm: str,
    training_set: TrainingSet,
    data: TrainingData,
    *,
    code_version: str,
    threads: int,
) -> ModelRecord:
    """The record of the fitted candidate, which the active MLflow run then holds with the model."""
    model = fit_model(
        algorithm, portfolio.features, data.train, data.validation, seed=portfolio.split.seed, threads=threads
    )
    run_id = mlflow.active_run().info.run_id  # type: ignore[attr-defined]
    record = make_record(portfolio, training_set, model, data, mlflow_run_id=run_id, code_version=code_version)
    mlflow.log_params(_parameters(model, training_set, data))
    mlflow.log_metrics(_logged_metrics(record))  # type: ignore[attr-defined]
    mlflow.log_dict(record.as_dict(), RECORD_FILE)  # type: ignore[attr-defined]
    log_model(model, data.validation.features[:EXAMPLE_ROWS])
    return record


def _logged_metrics(record: ModelRecord) -> dict[str, float]:
    logged = {"threshold": record.threshold}
    for split, metrics in (("validation", record.validation), ("holdout", record.holdout)):
        logged |= {f"{split}_{name}": value for name, value in metrics.items()}
    for name, (low, high) in record.holdout_intervals.items():
        logged |= {f"holdout_{name}_low": low, f"holdout_{name}_high": high}
    return logged


def _parameters(model: ChurnModel, training_set: TrainingSet, data: TrainingData) -> dict[str, Any]:
    steps = getattr(model.estimator, "named_steps", {"model": model.estimator})
    own = {name: value for name, value in steps["model"].get_params().items() if value is not None}
    return own | {
        "train_rows": len(data.train),
        "validation_rows": len(data.validation),
        "holdout_rows": len(data.holdout),
        "train_share": training_set.train_share,
        "calibration_slope": model.calibration.slope,
        "calibration_intercept": model.calibration.intercept,
    }
