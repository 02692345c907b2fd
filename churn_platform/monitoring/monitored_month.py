"""What monitoring finds in one month: reads samples, compares them with the champion's, gives rows
of the lake.
"""

from datetime import date

import duckdb
import numpy as np

from churn_platform.monitoring.drift import feature_drift, make_reference, prediction_drift
from churn_platform.monitoring.expected_performance import promise
from churn_platform.monitoring.monitoring_tables import Rows, drift_rows
from churn_platform.monitoring.performance import (
    RESCORED,
    SERVED,
    Matured,
    matured_features_months,
    performance_rows,
    served_scores,
)
from churn_platform.monitoring.reference import Watched
from churn_platform.monitoring.sampling import (
    answered_from,
    labelled_sample,
    sample_features,
    sample_requests,
)
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.customer_groups import read_groups
from churn_platform.training.known_customers import known_customers
from churn_platform.warehouse.tables import current_snapshot

CURRENT_ROWS = 100_000
MATURED_ROWS = 500_000
FEWEST_REQUESTS = 500  # below, a histogram of requests is mostly noise


def own_features(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, watched: Watched, month: date
) -> np.ndarray:
    """A sample of the month's customers in the features of the version; no rows where the month has
    none.
    """
    sample = sample_features(connection, portfolio, month, rows=CURRENT_ROWS)
    return watched.model.own(sample, portfolio.feature_names)


def find_feature_drift(watched: Watched, current: np.ndarray) -> Rows:
    """A row per feature against the version's training rows."""
    drifted = feature_drift(watched.reference, current, watched.model.features, watched.importances)
    return drift_rows(watched.number, drifted)


def find_prediction_drift(watched: Watched, current: np.ndarray) -> Rows:
    """One row: scores against those on rows that the version was not fitted on, and what they
    promise.
    """
    probability = watched.model.churn_probability(current)
    distance, limit = prediction_drift(watched.scores, probability)
    expected = promise(probability, threshold=watched.record.threshold)
    mean = float(probability.mean())
    return [
        {
            "model_version": watched.number,
            "psi": distance,
            "psi_limit": limit,
            "is_drifted": distance > limit,
            "score_mean": mean,
            "score_mean_shift": mean / watched.score_mean - 1,
            "expected_auc": expected.auc,
            "expected_recall": expected.recall,
            "expected_precision": expected.precision,
            "expected_churn_rate": mean,
        }
    ]


def find_serving_drift(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, watched: Watched, month: date
) -> Rows:
    """A row per feature of the logged requests against the customers that were live; none for too
    few requests.

    A request is answered from the newest published month, the one before its own as a rule:
    `answered_from`.
    """
    version, model = watched.number, watched.model
    live = answered_from(connection, portfolio, month, version=version)
    if live is None:
        return []

    requests = sample_requests(
        connection,
        portfolio,
        month,
        version=version,
        features_month=live,
        rows=CURRENT_ROWS,
    )
    customers = own_features(connection, portfolio, watched, live)
    if len(requests) < FEWEST_REQUESTS or not len(customers):
        return []

    reference = make_reference([customers], model.features)
    drifted = feature_drift(reference, requests, model.features, watched.importances)
    return drift_rows(version, drifted)


def find_performance(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, watched: Watched, month: date
) -> Rows:
    """Rows of every feature month whose labels matured in `month`: all customers, then each
    segment.

    None if no label matured, where the version was fitted on the very same snapshot, or on
    everybody in it.
    """
    rows = []
    for features_month in matured_features_months(connection, portfolio, month):
        if (
            portfolio.split.policy == "stratified"
            # The version knows these outcomes; any score on them would flatter it.
            and label(features_month) in watched.record.training_months
        ):
            continue
        matured = _matured(connection, portfolio, watched, month, features_month)
        if matured is None:
            continue
        groups = read_groups(
            connection,
            portfolio,
            portfolio.slices,
            matured.customers,
            features_month=features_month,
            snapshot=current_snapshot(connection),
        )
        measured = performance_rows(
            matured,
            groups,
            threshold=watched.record.threshold,
            economics=portfolio.economics,
            habit=watched.habit,
        )
        subject = {
            "model_version": watched.number,
            "features_month": features_month,
            "scored_by": matured.scored_by,
        }
        for row in measured:
            shift_of_rate = row["churn_rate"] / watched.record.base_rate - 1
            rows.append(subject | row | {"churn_rate_shift": shift_of_rate})

    return rows


def _matured(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    watched: Watched,
    month: date,
    features_month: date,
) -> Matured | None:
    """A sample of the customers whose labels matured, with the version's scores; None if no one
    is left.

    Left out are customers that a campaign contacted, and of a snapshot those whose outcomes the
    version was fitted on.
    """
    snapshot = current_snapshot(connection)
    sample = labelled_sample(
        connection,
        portfolio,
        features_month,
        rows=MATURED_ROWS,
        snapshot=snapshot,
    )
    customers = sample.untouched
    if portfolio.split.policy == "stratified":
        known = known_customers(connection, watched, label(features_month), customers)
        if known is None:
            return None
        customers = customers.take(~known)

    if not len(customers):
        return None

    ids = customers.customer_ids
    served = served_scores(connection, portfolio, features_month, watched.number, ids)
    # What was served is judged, if it is there: scoring again could hide a fault of that month.
    if served is not None:
        return Matured(month, features_month, customers, served, SERVED)

    own = watched.model.own(customers.features, portfolio.feature_names)
    return Matured(month, features_month, customers, watched.model.churn_probability(own), RESCORED)
