"""Fits a registered version again from what is recorded of it, and says whether the same model
comes out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.metrics.metrics import measure
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.training.fit import Means, fit_with
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord, libraries_of
from churn_platform.training.recorded_training import check_snapshot
from churn_platform.training.training_data import Labelled, load_training_data, stream_training_rows
from churn_platform.training.versions import load_version

if TYPE_CHECKING:
    from mlflow import MlflowClient

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Reproduction:
    """What came out: the largest difference of a probability, metrics that moved (recorded, again),
    and what else did.

    `changes` are circumstances that differ from then, `contradictions` are statements of the record
    that its own model or run disagrees with.
    """

    version: int
    record: ModelRecord
    customers: int
    largest_difference: float
    moved: dict[str, tuple[float, float]]
    changes: list[str]
    contradictions: list[str]

    @property
    def agrees(self) -> bool:
        """Whether metrics agree within the tolerance and the record is not contradicted."""
        return not self.moved and not self.contradictions


def reproduce(
    connection: duckdb.DuckDBPyConnection,
    client: "MlflowClient",
    portfolio: Portfolio,
    version: int,
    *,
    means: Means,
    code_version: str,
    rows_max: int,
) -> Reproduction:
    """The version fitted again on the rows of its snapshot, with its parameters, seed and threads,
    and compared.

    TrainingError if its snapshot is gone or its record says too little; then nothing is fitted.
    """
    loaded = load_version(client, portfolio, version)
    record, stored, then = loaded.record, loaded.model, loaded.portfolio
    check_snapshot(connection, version, record)
    if not record.parameters:
        raise TrainingError(
            f"the record of run {record.mlflow_run_id} has no parameters: "
            "it is older than `churn reproduce`"
        )

    training_set = loaded.training_set(connection, rows_max=rows_max)
    data = load_training_data(connection, then, training_set)
    again = fit_with(
        record.parameters,
        then,
        record.algorithm,
        training_set,
        data,
        every_row=partial(stream_training_rows, connection, then, training_set),
        # With other threads sums come in another order, and the bytes differ.
        means=replace(means, threads=record.threads),
    )
    judged = {"validation": data.validation, "holdout": data.holdout}

    recorded = {}
    differences = []
    for split, rows in judged.items():
        for name, value in getattr(record, split).items():
            recorded[f"{split} {name}"] = value

        differences.append(largest_difference(stored, again, rows.features))

    run = client.get_run(record.mlflow_run_id)
    contradictions = _against_run(run.data.params, record)
    contradictions += _against_model(recorded, _metrics(stored, judged, record, then))
    return Reproduction(
        version=version,
        record=record,
        customers=len(data.validation) + len(data.holdout),
        largest_difference=max(differences),
        moved=moved(recorded, _metrics(again, judged, record, then)),
        changes=changes(record, stored.features, portfolio, code_version=code_version),
        contradictions=contradictions,
    )


def largest_difference(first: ChurnModel, second: ChurnModel, features: np.ndarray) -> float:
    """Largest difference between the probabilities that two models give the same customers."""
    return float(
        np.abs(first.churn_probability(features) - second.churn_probability(features)).max()
    )


def _metrics(
    model: ChurnModel, judged: Mapping[str, Labelled], record: ModelRecord, portfolio: Portfolio
) -> dict[str, float]:
    metrics = {}
    for split, rows in judged.items():
        measured = measure(
            rows.churned,
            model.churn_probability(rows.features),
            threshold=record.threshold,
            economics=portfolio.economics,
        )
        for name, value in measured.as_dict().items():
            metrics[f"{split} {name}"] = value

    return metrics


def moved(
    recorded: Mapping[str, float], again: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Metrics that differ by more than the tolerance, (recorded, again); what only one side knows
    is left out.
    """
    found = {}
    for name, before in recorded.items():
        if name not in again:
            continue
        after = again[name]
        if not abs(before - after) <= TOLERANCE:
            found[name] = before, after

    return found


def changes(
    record: ModelRecord, fitted: tuple[Feature, ...], portfolio: Portfolio, *, code_version: str
) -> list[str]:
    """What differs from when the version was fitted, in words: code, libraries, catalogue, seed,
    half-life.
    """
    found = []
    if record.code_version != code_version:
        found.append(f"the code was {record.code_version}, is {code_version}")

    now = libraries_of(record.algorithm)
    for name, used in record.libraries.items():
        if now.get(name) != used:
            found.append(f"{name} was {used}, is {now.get(name, 'missing')}")

    differing = _differing(fitted, portfolio.features)
    if differing:
        found.append(
            f"the catalogue has changed in {', '.join(differing)}; "
            "the version's own features were used"
        )

    split = portfolio.split
    if record.seed != split.seed:
        found.append(f"the spec's seed was {record.seed}, is {split.seed}; the former was used")

    if record.half_life_months != split.half_life_months:
        was = record.half_life_months or "none"
        now_is = split.half_life_months or "none"
        found.append(f"the spec's half_life_months was {was}, is {now_is}; the former was used")

    return found


def _against_run(logged: Mapping[str, str], record: ModelRecord) -> list[str]:
    """Parameters of the record that the MLflow run was not given."""
    said: dict[str, Any] = {**record.parameters, "seed": record.seed}
    differences = []
    for name, value in said.items():
        in_run = logged.get(name)
        if in_run is not None and in_run != str(value):
            differences.append(f"the record says {name} = {value}, its MLflow run {in_run}")

    return differences


def _differing(fitted: Iterable[Feature], catalogue: Iterable[Feature]) -> list[str]:
    """Names of the features that are in one of two catalogues only, or differ between them."""
    then = {feature.name: feature for feature in fitted}
    now = {feature.name: feature for feature in catalogue}
    names = sorted(then.keys() | now.keys())
    return [name for name in names if then.get(name) != now.get(name)]


def _against_model(recorded: Mapping[str, float], measured: Mapping[str, float]) -> list[str]:
    contradictions = []
    for name, (said, found) in moved(recorded, measured).items():
        contradictions.append(
            f"the record says {name} = {said:.6g}, its own model gives {found:.6g}"
        )
    return contradictions


def as_text(done: Reproduction) -> str:
    """The reproduction as the command prints it."""
    same = "identical, bit by bit"
    if done.largest_difference != 0:
        same = f"differ by at most {done.largest_difference:.3g}"

    record = done.record
    lines = [
        f"version         {done.version}, {record.algorithm} of {record.month}, "
        f"snapshot {record.snapshot}",
        f"predictions     {same}, on {done.customers:,} customers of validation and hold-out",
        f"metrics         {len(done.moved) or 'none'} differ by more than {TOLERANCE:g}",
    ]
    for name, (before, after) in done.moved.items():
        lines.append(f"  {name}: {before:.6g} recorded, {after:.6g} again")

    for text in done.contradictions:
        lines.append(f"contradiction   {text}")

    for text in done.changes:
        lines.append(f"changed since   {text}")

    if done.moved and not done.changes and not done.contradictions:
        lines.append(
            "likely cause    the stored model or its record was changed, "
            "or the machine computes differently"
        )

    lines.append("reproduced" if done.agrees else "not reproduced")
    return "\n".join(lines)
