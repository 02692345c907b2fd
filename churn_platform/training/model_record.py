"""What is known of a fitted model beside the model itself: kept in MLflow, written into the
published manifest.
"""

import json
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from churn_platform.metrics.intervals import Interval, metric_intervals
from churn_platform.metrics.metrics import measure
from churn_platform.metrics.threshold import choose_threshold, risk_tiers
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.identity import data_sha256
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_registry import version_named
from churn_platform.training.splits import HOLDOUT, STRATIFIED, TRAIN
from churn_platform.training.training_data import TrainingData, TrainingSet

if TYPE_CHECKING:
    from mlflow import MlflowClient

RECORD_FILE = "record.json"


@dataclass(frozen=True)
class ModelRecord:
    """Provenance, threshold and metrics of one fitted candidate.

    `parameters`, `seed`, `threads`, `libraries` and the rows of `snapshot` make the same model
    again; of the training rows it used `train_rows`, sampled by customer where `train_share` is
    below 1. With a half-life, a row of each of `training_months` weighed what `training_weights`
    says in that place. `data_sha256` is that of the rows, empty in records from before it was kept.
    """

    portfolio: str
    month: str
    algorithm: str
    mlflow_run_id: str
    snapshot: int
    code_version: str
    training_months: list[str]
    holdout_month: str
    threshold: float
    base_rate: float
    tiers: list[tuple[str, float]]
    validation: dict[str, float]
    holdout: dict[str, float]
    holdout_intervals: dict[str, Interval] = field(default_factory=dict)
    parameters: dict[str, int | float] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    train_share: float = 1.0
    train_rows: int = 0
    half_life_months: float | None = None
    training_weights: list[float] = field(default_factory=list)
    libraries: dict[str, str] = field(default_factory=dict)
    data_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON takes it."""
        return asdict(self)


def make_record(
    portfolio: Portfolio,
    training_set: TrainingSet,
    model: ChurnModel,
    data: TrainingData,
    *,
    mlflow_run_id: str,
    code_version: str,
    threads: int,
    is_streamed: bool = False,
) -> ModelRecord:
    """Choose the threshold on the validation rows, measure there and on the hold-out, and note
    where all comes from.
    """
    validated = model.churn_probability(data.validation.features)
    # On the validation rows: a threshold chosen on the hold-out would look better than it is.
    threshold = choose_threshold(
        data.validation.churned,
        validated,
        economics=portfolio.economics,
        min_recall=portfolio.gates.min_recall,
    )
    # Of the training rows: the tiers must not know anything of the hold-out.
    base_rate = float(data.train.churned.mean())
    months = training_set.months
    options: dict[str, Any] = {"threshold": threshold, "economics": portfolio.economics}
    churned, probability = data.holdout.churned, model.churn_probability(data.holdout.features)
    holdout = measure(churned, probability, **options)

    training_months = []
    training_weights = []
    holdout_months = []
    for month, split in months.items():
        if split in (TRAIN, STRATIFIED):
            training_months.append(label(month))

        if split in (HOLDOUT, STRATIFIED):
            holdout_months.append(label(month))

        if month in training_set.weights:
            training_weights.append(training_set.weights[month])

    return ModelRecord(
        portfolio=portfolio.name,
        month=label(training_set.month),
        algorithm=model.algorithm,
        mlflow_run_id=mlflow_run_id,
        snapshot=training_set.snapshot,
        code_version=code_version,
        training_months=training_months,
        holdout_month=holdout_months[0],
        threshold=threshold,
        base_rate=base_rate,
        tiers=risk_tiers(
            threshold=threshold,
            base_rate=base_rate,
            economics=portfolio.economics,
        ),
        validation=measure(data.validation.churned, validated, **options).as_dict(),
        holdout=holdout.as_dict(),
        holdout_intervals=metric_intervals(
            churned,
            probability,
            holdout,
            seed=portfolio.split.seed,
            **options,
        ),
        parameters=dict(model.parameters),
        seed=portfolio.split.seed,
        threads=threads,
        # A streamed fit read every row; only its validation of parameters used the sample.
        train_share=1.0 if is_streamed else training_set.train_share,
        train_rows=training_set.train_customers if is_streamed else len(data.train),
        half_life_months=training_set.half_life_months,
        training_weights=training_weights,
        libraries=libraries_of(model.algorithm),
        data_sha256=data_sha256(data),
    )


def libraries_of(algorithm: str) -> dict[str, str]:
    """Versions of what a fit depends on."""
    # These change the numbers of a fit; other libraries do not.
    names = {ALGORITHMS[algorithm].LIBRARY, "scikit-learn", "numpy"}
    return {name: version(name) for name in sorted(names)}


def record_of_version(client: "MlflowClient", portfolio: str, version: int) -> ModelRecord:
    """The record behind a registered version; TrainingError if there is no such version."""
    run_id = version_named(client, portfolio, version).run_id
    assert run_id is not None, "versions are registered with their run"
    return read_record(client, run_id)


def read_record(client: "MlflowClient", run_id: str) -> ModelRecord:
    """The record that a candidate's MLflow run keeps."""
    import mlflow

    path = f"runs:/{run_id}/{RECORD_FILE}"
    stored = json.loads(mlflow.artifacts.load_text(path))
    # JSON has lists only.
    stored["tiers"] = [tuple(tier) for tier in stored["tiers"]]
    intervals = stored.get("holdout_intervals", {})
    stored["holdout_intervals"] = {name: tuple(bounds) for name, bounds in intervals.items()}
    return ModelRecord(**stored)
