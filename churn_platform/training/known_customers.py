"""Which customers a champion was fitted on: it knows their outcomes, and would be flattered by them."""

import duckdb
import numpy as np

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled, load_splits
from churn_platform.training.record import ModelRecord
from churn_platform.training.recorded_training import has_snapshot, recorded_training_set
from churn_platform.training.splits import TRAIN, VALIDATION


def known_customers(
    connection: duckdb.DuckDBPyConnection,
    then: Portfolio,
    champion: ModelRecord,
    features_month: str,
    customers: Labelled,
) -> np.ndarray | None:
    """Marks the customers of a feature month whose outcomes the champion was fitted on, (rows,) booleans.

    Out of time these are all or none: months are used whole, and the hold-out of a newer challenger lies after all that
    the champion saw. Of a snapshot, delivered again and again, they are those in the champion's own training and
    validation rows; None where these are no longer in the lake, so that nobody can be told. `then` is the portfolio as
    the champion was fitted (`as_fitted`).
    """
    if then.split.policy == "out_of_time":
        return np.full(len(customers), champion.training_months[0] <= features_month < champion.holdout_month)
    if not has_snapshot(connection, champion.snapshot):
        return None
    fitted = load_splits(connection, then, recorded_training_set(connection, then, champion), TRAIN, VALIDATION)
    return np.isin(customers.customer_ids, np.concatenate([part.customer_ids for part in fitted]))
