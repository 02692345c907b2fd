"""The version that a month's governance is about: its challenger, with its record and the hold-out it is judged on."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from churn_platform.governance.attributes import read_groups
from churn_platform.months import label, parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled, load_holdout
from churn_platform.training.model import ChurnModel
from churn_platform.training.record import ModelRecord, record_of_version
from churn_platform.training.recorded import recorded_training_set
from churn_platform.training.registry import challenger_of, load_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Examined:
    """A version, its record, and the hold-out's customers with the features as the catalogue has them."""

    portfolio: Portfolio
    month: date
    version: int
    record: ModelRecord
    model: ChurnModel
    holdout: Labelled
    groups: dict[str, np.ndarray]

    @property
    def protected_groups(self) -> dict[str, np.ndarray]:
        """The group of every customer by protected attribute."""
        return {name: self.groups[name] for name in self.portfolio.protected_attributes}

    @property
    def features(self) -> np.ndarray:
        """The hold-out's features in the model's own order."""
        return self.model.own(self.holdout.features, self.portfolio.feature_names)

    @property
    def probability(self) -> np.ndarray:
        """The model's probabilities on the hold-out."""
        return self.model.churn_probability(self.features)


def examine(
    client: "MlflowClient", connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> Examined:
    """The month's challenger on its hold-out, with the group of each customer by protected attribute and slice.

    TrainingError where the month has no challenger.
    """
    version = challenger_of(client, portfolio.name, label(month))
    record = record_of_version(client, portfolio.name, version)
    training_set = recorded_training_set(connection, portfolio, record)
    holdout = load_holdout(connection, portfolio, training_set)
    groups = read_groups(
        connection,
        portfolio,
        list(dict.fromkeys((*portfolio.protected_attributes, *portfolio.slices))),
        holdout,
        features_month=parse_month(record.holdout_month),
        snapshot=training_set.snapshot,
    )
    return Examined(portfolio, month, version, record, load_model(client, portfolio.name, version), holdout, groups)
