"""The champion under watch: which version it is, and everything that a month is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.monitoring.decision import Training
from churn_platform.monitoring.drift import Reference, make_reference, make_score_reference
from churn_platform.monitoring.expected_performance import Habit, learn_habit
from churn_platform.monitoring.sampling import labelled_sample
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.champion import Reign
from churn_platform.training.model import ChurnModel
from churn_platform.training.recorded_training import has_snapshot
from churn_platform.training.splits import TRAIN, row_splits
from churn_platform.training.training_data import Labelled, load_labelled
from churn_platform.training.versions import Version, load_version
from churn_platform.warehouse.tables import table_exists

if TYPE_CHECKING:
    from mlflow import MlflowClient

REFERENCE_ROWS = 120_000  # over all training months
UNSEEN_ROWS = 60_000  # of each of the months that validated and judged
EXPLAINED_ROWS = 2_000


@dataclass(frozen=True)
class Watched(Version):
    """A version with what a month is compared with: rows it was fitted on, encoded, as they are and
    as histograms, its scores on rows that it was not fitted on, its importances and its habit.
    """

    sample: np.ndarray
    reference: Reference
    scores: Reference
    score_mean: float
    importances: Mapping[str, float]
    habit: Habit


def read_trainings(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, reigns: Sequence[Reign]
) -> list[Training]:
    """Every training that was judged, oldest first, and whether a champion came of it."""
    promoted = {reign.month for reign in reigns}
    return [Training(month, month in promoted) for month in judged_months(connection, portfolio)]


def judged_months(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> list[date]:
    """The months of trainings that were judged, oldest first."""
    table = f"{portfolio.name}.evaluation"
    if not table_exists(connection, table):
        return []
    rows = connection.execute(f"select month from {table} order by month").fetchall()
    return [month for (month,) in rows]


def version_in_force(reigns: Sequence[Reign], month: date) -> int | None:
    """The champion that `month` found: the last one made by a month before it, or by its own where
    it is the first.
    """
    # It does not depend on what `month` or a later one trains, so a repeated run, or a backfill of
    # a whole range, watches the same version as the run of that month did. The newest evaluation of
    # a month would not do: where a month is trained again and refused, or its challenger approved
    # by a person, it does not tell who serves.
    before = own = None
    for reign in reigns:
        if reign.month < month:
            before = reign.version
        elif reign.month == month:
            own = reign.version

    return own if before is None else before


def watch(
    client: "MlflowClient",
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    version: int,
) -> Watched:
    """The registered version with what a month is compared with."""
    return with_reference(connection, load_version(client, portfolio, version))


def with_reference(connection: duckdb.DuckDBPyConnection, version: Version) -> Watched:
    """A version with samples of its own training set, as of its snapshot of the lake.

    Where an erasure took the snapshot, the same months are read as they are now. TrainingError
    if they are gone.
    """
    model = version.model
    fitted, unseen = _reference_rows(connection, version)
    if not all(map(len, fitted + unseen)):
        record = version.record
        raise TrainingError(
            f"version {version.number} of {version.portfolio.name} cannot be watched: "
            "the lake has no labelled "
            "customers any more of months that it was fitted or judged on "
            f"({record.training_months[0]} to {record.holdout_month})"
        )

    features = []
    totals = []
    for part in fitted:
        features.append(part.features)
        expected = model.churn_probability(part.features).sum()
        totals.append((int(part.churned.sum()), float(expected)))

    scored = []
    outcomes = []
    for part in unseen:
        scored.append(model.churn_probability(part.features))
        outcomes.append(part.churned)

    probability = np.concatenate(scored)
    churned = np.concatenate(outcomes)
    newest = features[-1]
    explained = newest[:: max(1, len(newest) // EXPLAINED_ROWS)]
    return Watched(
        **vars(version),
        sample=np.vstack(features),
        reference=make_reference(features, model.features),
        scores=make_score_reference(scored),
        score_mean=float(probability.mean()),
        importances=mean_contributions(model, explained),
        habit=learn_habit(churned, probability, totals),
    )


def _reference_rows(
    connection: duckdb.DuckDBPyConnection, version: Version
) -> tuple[list[Labelled], list[Labelled]]:
    """Labelled samples of the months that were fitted on, and of those that validated and judged,
    month by month.
    """
    training_set = version.training_set(connection)
    if version.portfolio.split.policy == "stratified":
        (month,) = training_set.months
        fitted_rows, unseen_rows = _sides(connection, version, month, training_set.snapshot)
        return [fitted_rows], [unseen_rows]

    fitted: list[Labelled] = []
    unseen: list[Labelled] = []
    training_months = [month for month, split in training_set.months.items() if split == TRAIN]
    for month in training_set.months:
        is_fitted = month in training_months
        sample = labelled_sample(
            connection,
            version.portfolio,
            month,
            # The same number of each month, so that a season does not weigh more than another.
            rows=REFERENCE_ROWS // len(training_months) if is_fitted else UNSEEN_ROWS,
            snapshot=training_set.snapshot,
        )
        side = fitted if is_fitted else unseen
        side.append(sample.untouched)

    return fitted, unseen


def _sides(
    connection: duckdb.DuckDBPyConnection, version: Version, month: date, snapshot: int
) -> tuple[Labelled, Labelled]:
    then = version.portfolio
    everyone = load_labelled(connection, then, month, snapshot=snapshot)
    if has_snapshot(connection, version.record.snapshot):
        is_fitted = row_splits(everyone.churned, then.split) == TRAIN
        fitted, unseen = everyone.take(is_fitted), everyone.take(~is_fitted)
    else:  # without the erased the draw parts the others differently
        fitted = unseen = everyone

    return _at_most(REFERENCE_ROWS, fitted.untouched), _at_most(REFERENCE_ROWS, unseen.untouched)


def _at_most(rows: int, customers: Labelled) -> Labelled:
    """Every n-th customer, so that no more than `rows` are left."""
    return customers.take(np.arange(0, len(customers), -(-len(customers) // rows) or 1))


def mean_contributions(model: ChurnModel, features: np.ndarray) -> dict[str, float]:
    """Importance of each feature: mean |contribution| to the log-odds over encoded rows."""
    sizes = np.abs(model.contributions(features)).mean(axis=0)
    return {feature.name: float(size) for feature, size in zip(model.features, sizes, strict=True)}
