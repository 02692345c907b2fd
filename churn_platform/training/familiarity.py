"""Which customers of a hold-out a champion was fitted on: it knows their outcomes, and would be flattered by them."""

import duckdb
import numpy as np

from churn_platform.months import parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled, TrainingSet, load_training_data
from churn_platform.training.record import ModelRecord
from churn_platform.training.splits import STRATIFIED


def known_customers(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    champion: ModelRecord,
    holdout_month: str,
    customers: Labelled,
) -> np.ndarray:
    """Marks the customers of the hold-out whose outcomes the champion was fitted on, (rows,) booleans.

    Out of time these are all or none: months are used whole, and the hold-out of a newer challenger lies after all that
    the champion saw. Of a snapshot, delivered again and again, they are those in the champion's own training and
    validation rows; where these are no longer in the lake, none can be told.
    """
    if portfolio.split.policy == "out_of_time":
        seen = champion.training_months[0] <= holdout_month < champion.holdout_month
        return np.full(len(customers), seen)
    month = parse_month(champion.holdout_month)
    recorded = TrainingSet(parse_month(champion.month), {month: STRATIFIED}, champion.snapshot, 1.0)
    try:
        data = load_training_data(connection, portfolio, recorded)
    except duckdb.Error:  # the snapshot has expired
        return np.zeros(len(customers), dtype=bool)
    return np.isin(customers.customer_ids, np.concatenate([data.train.customer_ids, data.validation.customer_ids]))
