"""The one loader of a registered version: record, model, and the portfolio as it was when the
version was fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from churn_platform.errors import TrainingError
from churn_platform.months import parse_month
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord, read_record
from churn_platform.training.model_registry import model_of, version_named, versions
from churn_platform.training.recorded_training import as_fitted, recorded_training_set
from churn_platform.training.training_data import Labelled, TrainingSet, load_holdout

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Version:
    """A registered version as it was fitted and recorded.

    `portfolio` has the catalogue and the seed of then: with today's, other customers would be drawn
    for its hold-out, and columns would be asked of a snapshot that does not have them.
    """

    number: int
    model: ChurnModel
    record: ModelRecord
    portfolio: Portfolio

    @classmethod
    def of(
        cls, portfolio: Portfolio, number: int, model: ChurnModel, record: ModelRecord
    ) -> "Version":
        """The version whose record and model these are, with the portfolio of then."""
        return cls(number, model, record, as_fitted(portfolio, record, model.features))

    def training_set(
        self, connection: duckdb.DuckDBPyConnection, *, rows_max: int | None = None
    ) -> TrainingSet:
        """Its training set; `rows_max` as in `recorded_training_set`."""
        return recorded_training_set(connection, self.portfolio, self.record, rows_max=rows_max)

    def holdout(self, connection: duckdb.DuckDBPyConnection) -> Labelled:
        """The customers that it was judged on, encoded with its own features in its own order."""
        return load_holdout(connection, self.portfolio, self.training_set(connection))

    def holdout_as_seen_by(
        self, connection: duckdb.DuckDBPyConnection, other: "Version"
    ) -> Labelled:
        """The same customers in the same order, encoded with the features of another version.

        TrainingError if the snapshot of this version has no column of one of them.
        """
        features = other.model.features
        if tuple(features) == tuple(self.portfolio.features):
            return self.holdout(connection)

        seen = self.portfolio.model_copy(update={"features": tuple(features)})
        try:
            # Not validated: the catalogue's ranges are of today, the rows are of then.
            return load_holdout(connection, seen, self.training_set(connection), validated=False)
        except duckdb.BinderException as error:
            raise TrainingError(
                f"version {other.number} of {seen.name} cannot be judged "
                f"on the hold-out of version {self.number}: "
                f"snapshot {self.record.snapshot} of the lake lacks "
                f"{_unshared(features, self.model.features)}; "
                f"train {self.record.month} again, for a challenger on a newer snapshot"
            ) from error


def load_version(client: "MlflowClient", portfolio: Portfolio, number: int) -> Version:
    """A registered version, asked of the registry by its number; TrainingError
    if there is none.
    """
    registered = version_named(client, portfolio.name, number)
    assert registered.run_id is not None, "versions are registered with their run"
    record, model = read_record(client, registered.run_id), model_of(registered)
    return Version.of(portfolio, number, model, record)


def newest_version(client: "MlflowClient", portfolio: Portfolio) -> Version:
    """The version of the newest month that was trained, of several the last; TrainingError if
    there is none.
    """
    trained = []
    for version in versions(client, portfolio.name):
        month = parse_month(version.tags["month"])
        trained.append((month, int(version.version)))

    if not trained:
        raise TrainingError(
            f"{portfolio.name} has no version; materialize {portfolio.name}/challenger first"
        )

    _, number = max(trained)
    return load_version(client, portfolio, number)


def _unshared(features: Sequence[Feature], others: Sequence[Feature]) -> str:
    known = {feature.name for feature in others}
    return ", ".join(feature.name for feature in features if feature.name not in known)
