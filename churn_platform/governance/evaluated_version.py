"""The version that a month's governance is about: its challenger, with its record and the hold-out
it is judged on.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.customer_groups import groups_on_holdout
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.model_registry import challenger_of
from churn_platform.training.training_data import Labelled
from churn_platform.training.versions import load_version

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Examined:
    """A version, its record, and the hold-out's customers with the features as the version has
    them.
    """

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
        protected = self.portfolio.protected_attributes
        found = {}
        for name in protected:
            if name in self.groups:
                found[name] = self.groups[name]

        return found

    @property
    def features(self) -> np.ndarray:
        """The hold-out's features in the model's own order."""
        return self.holdout.features

    @property
    def probability(self) -> np.ndarray:
        """The model's probabilities on the hold-out."""
        return self.model.churn_probability(self.features)


def examine(
    client: "MlflowClient", connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> Examined:
    """The month's challenger on its hold-out, with the group of each customer by protected
    attribute and slice.

    TrainingError if the month has no challenger.
    """
    number = challenger_of(client, portfolio.name, label(month))
    version = load_version(client, portfolio, number)
    holdout = version.holdout(connection)
    names = list(dict.fromkeys((*portfolio.protected_attributes, *portfolio.slices)))
    # Groups as of the version's own snapshot: what is written later must not change a judgement.
    groups = groups_on_holdout(connection, portfolio, version, holdout, names)
    return Examined(
        portfolio,
        month,
        version.number,
        version.record,
        version.model,
        holdout,
        groups,
    )
