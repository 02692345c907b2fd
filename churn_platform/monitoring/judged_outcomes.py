"""Outcomes as the decision judges them, read back from the lake: of a month, or of a version.

A month whose features came from a broken feed is not judged, by the decision, by the lights and by
the contact list alike: its outcomes say something of the feed and nothing of the model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from churn_platform.monitoring.decision import POLICY, SEVERE, Evidence, Window, judge
from churn_platform.monitoring.monitoring_tables import MODEL_PERFORMANCE, read_broken_months
from churn_platform.monitoring.performance import ALL
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import table_exists

READ = (
    *("month", "features_month", "auc", "promised_auc", "recall", "churn_ratio"),
    *("auc_gap_low", "churn_ratio_low", "churn_ratio_high"),
)


@dataclass(frozen=True)
class JudgedOutcomes:
    """What the champion of a month reached on all customers whose labels matured, and how serious
    that is.
    """

    window: Window
    is_judged: bool
    auc: float
    promised_auc: float
    recall: float
    churn_ratio: float

    @property
    def figures(self) -> dict[str, float]:
        """What was measured, by name."""
        return {
            "auc": self.auc,
            "promised_auc": self.promised_auc,
            "recall": self.recall,
            "churn_ratio": self.churn_ratio,
        }


def outcomes_of_month(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> JudgedOutcomes | None:
    """The outcomes of a month, of the newest feature month that matured in it; None without any."""
    return next(_read(connection, portfolio, "month = $1", [month], up_to=month), None)


def outcomes_of_version(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, version: int, up_to: date
) -> JudgedOutcomes | None:
    """The newest outcomes that say something of a version; None if it was never measured."""
    query = "month <= $1 and model_version = $2"
    for found in _read(connection, portfolio, query, [up_to, version], up_to=up_to):
        if found.is_judged:
            return found
    return None


def fault_of_version(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, version: int, up_to: date
) -> str | None:
    """Why a version is known to be broken, in words; None if it is not."""
    found = outcomes_of_version(connection, portfolio, version, up_to)
    if found is None or found.window.level < SEVERE:
        return None
    since = label(found.window.month)
    return f"outcomes of {since}: {'; '.join(found.window.findings)}"


def _read(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    condition: str,
    values: list[Any],
    *,
    up_to: date,
) -> Iterator[JudgedOutcomes]:
    """Outcomes over all customers that meet a condition, newest first."""
    table = f"{portfolio.name}.{MODEL_PERFORMANCE}"
    if not table_exists(connection, table):
        return

    broken = read_broken_months(connection, portfolio.name, up_to)
    rows = connection.execute(
        f"select {', '.join(READ)} from {table} where segment = '{ALL}' and {condition} "
        # Where several feature months matured at once, the newest counts, as in the decision.
        "order by month desc, features_month desc",
        values,
    ).fetchall()
    for month, features_month, auc, promised, recall, ratio, gap_low, low, high in rows:
        evidence = Evidence(month, features_month, gap_low, low, high)
        yield JudgedOutcomes(
            window=judge(evidence, broken, POLICY),
            is_judged=features_month not in broken,
            auc=auc,
            promised_auc=promised,
            recall=recall,
            churn_ratio=ratio,
        )
