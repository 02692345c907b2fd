"""How the champion did once labels matured: over all customers and by segment,
as rows of the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np

from churn_platform.metrics.intervals import metric_intervals
from churn_platform.metrics.metrics import measure
from churn_platform.monitoring.expected_performance import NO_HABIT, Habit, compare, promised_auc
from churn_platform.portfolios.spec import Economics, Portfolio
from churn_platform.training.model import log_odds
from churn_platform.training.training_data import Labelled
from churn_platform.warehouse.tables import table_exists

ALL = "all"
MEASURED = (
    *("auc", "average_precision", "recall", "precision", "contacted_share", "lift_top_decile"),
    *("calibration_error", "campaign_profit_eur", "churn_rate"),
)
SEED = 11  # of the intervals that are bootstrapped
FEWEST_OUTCOMES = 20  # churners and stayers of a segment; below, its figures would be noise
SERVED, RESCORED = "monthly_scores", "champion"


@dataclass(frozen=True)
class Matured:
    """Customers whose labels matured in `month`, with the scores to judge and where those come
    from.
    """

    month: date
    features_month: date
    customers: Labelled
    probability: np.ndarray
    scored_by: str

    def take(self, rows: np.ndarray) -> "Matured":
        """The given rows, by a mask."""
        return Matured(
            self.month,
            self.features_month,
            self.customers.take(rows),
            self.probability[rows],
            self.scored_by,
        )


def matured_features_months(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> list[date]:
    """Feature months whose labels matured in `month`; none if no label did."""
    table = f"{portfolio.name}.churn_labels"
    if not table_exists(connection, table):
        return []
    query = f"select distinct features_month from {table} where month = ? order by features_month"
    return [row[0] for row in connection.execute(query, [month]).fetchall()]


def served_scores(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    features_month: date,
    version: int,
    ids: np.ndarray,
) -> np.ndarray | None:
    """The probabilities that the version gave these customers in the month's scores; None if it
    did not score all.

    Ids are ascending.
    """
    table = f"{portfolio.name}.monthly_scores"
    if not table_exists(connection, table):
        return None

    found = connection.execute(
        f"select customer_id, churn_probability from {table} "
        "where month = ? and model_version = ? order by customer_id",
        [features_month, version],
    ).fetchnumpy()
    known = np.asarray(found["customer_id"], dtype=object)
    # Both are ordered by id, so a search replaces a join of two million ids.
    places = np.searchsorted(known, ids)
    is_beyond = places.max(initial=0) >= len(known)
    if is_beyond or (known[places] != ids).any():
        return None

    probability = np.asarray(found["churn_probability"], dtype=np.float64)
    return probability[places]


def performance_rows(
    matured: Matured,
    groups: Mapping[str, np.ndarray],
    *,
    threshold: float,
    economics: Economics,
    habit: Habit = NO_HABIT,
) -> list[dict[str, Any]]:
    """One row for all customers, then one for each level of each segment that has outcomes enough
    to be measured.
    """
    everyone = np.ones(len(matured.customers), dtype=bool)
    parts = [(ALL, ALL, everyone)]
    for name, group in groups.items():
        for level in np.unique(group):
            parts.append((name, str(level), group == level))

    rows = []
    for segment, level, chosen in parts:
        part = matured.take(chosen)
        if _is_measurable(part.customers.churned):
            found = figures(
                part,
                threshold=threshold,
                economics=economics,
                habit=habit,
            )
            rows.append({"segment": segment, "level": level, **found})

    return rows


def _is_measurable(churned: np.ndarray) -> bool:
    churners = int(churned.sum())
    return min(churners, len(churned) - churners) >= FEWEST_OUTCOMES


def figures(
    matured: Matured, *, threshold: float, economics: Economics, habit: Habit
) -> dict[str, Any]:
    """Metrics with their intervals, and outcomes against the promise, of one set of customers."""
    churned, probability = matured.customers.churned, matured.probability
    metrics = measure(churned, probability, threshold=threshold, economics=economics)
    bounds = metric_intervals(
        churned,
        probability,
        metrics,
        threshold=threshold,
        economics=economics,
        seed=SEED,
    )
    values = metrics.as_dict()
    measured = {name: values[name] for name in MEASURED}
    for name in MEASURED:
        low, high = bounds[name]
        measured[f"{name}_low"] = low
        measured[f"{name}_high"] = high

    outcome = compare(churned, probability, habit=habit)
    return {
        "customers": metrics.customers,
        "churners": int(churned.sum()),
        **measured,
        "promised_auc": promised_auc(probability),
        "auc_gap": outcome.auc_gap,
        "auc_gap_low": outcome.auc_gap_low,
        "calibration_slope": calibration_slope(churned, probability),
        "churn_ratio": outcome.churn_ratio,
        "churn_ratio_low": outcome.churn_ratio_low,
        "churn_ratio_high": outcome.churn_ratio_high,
    }


def calibration_slope(churned: np.ndarray, probability: np.ndarray) -> float:
    """Cox's slope of outcomes on the log-odds: 1 where calibrated, below 1 where overconfident."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(
        log_odds(probability).reshape(-1, 1), churned
    )
    return float(fitted.coef_[0, 0])
