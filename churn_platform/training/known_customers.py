"""Which customers a champion was fitted on: it knows their outcomes, and would be flattered by
them.
"""

import duckdb
import numpy as np

from churn_platform.training.recorded_training import has_snapshot
from churn_platform.training.splits import TRAIN, VALIDATION
from churn_platform.training.training_data import Labelled, load_splits
from churn_platform.training.versions import Version


def known_customers(
    connection: duckdb.DuckDBPyConnection,
    champion: Version,
    features_month: str,
    customers: Labelled,
) -> np.ndarray | None:
    """Marks the customers of a feature month whose outcomes the champion was fitted on, (rows,)
    booleans.

    Out of time these are all or none: months are used whole, and the hold-out of a newer challenger
    is after all that the champion saw. Of a snapshot, delivered again and again, they are those
    in the champion's own training and validation rows; None if these are no longer in the lake,
    so that no one can be told.
    """
    record = champion.record
    if champion.portfolio.split.policy == "out_of_time":
        is_known = record.training_months[0] <= features_month < record.holdout_month
        return np.full(len(customers), is_known)

    if not has_snapshot(connection, record.snapshot):
        return None

    training_set = champion.training_set(connection)
    fitted = load_splits(connection, champion.portfolio, training_set, TRAIN, VALIDATION)
    fitted_ids = np.concatenate([part.customer_ids for part in fitted])
    return np.isin(customers.customer_ids, fitted_ids)
