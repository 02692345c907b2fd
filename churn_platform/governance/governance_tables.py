"""What governance keeps in the lake: small tables, a month replaced at a time."""

from collections.abc import Sequence
from typing import Any

import duckdb

from churn_platform.governance.evaluated_version import Examined
from churn_platform.governance.explanations import Importance
from churn_platform.metrics.fairness import ESTIMATES, AttributeFairness, as_rows
from churn_platform.warehouse.tables import arrow_rows, replace_rows

SUBJECT = {"month": "date", "model_version": "integer"}
FAIRNESS_COLUMNS = SUBJECT | {
    "attribute": "varchar",
    "group": "varchar",
    "customers": "bigint",
    "churners": "bigint",
    "is_judged": "boolean",
    **{f"{name}{bound}": "double" for name in ESTIMATES for bound in ("", "_low", "_high")},
}

EXPLANATION_COLUMNS = SUBJECT | {
    "feature": "varchar",
    "feature_group": "varchar",
    "rank": "integer",
    "mean_abs_contribution": "double",
    "share": "double",
}


def replace_fairness(
    connection: duckdb.DuckDBPyConnection,
    examined: Examined,
    attributes: Sequence[AttributeFairness],
) -> int:
    """One row per attribute and group of the month's challenger, in place of those before; returns
    their number.
    """
    return _replace(
        connection,
        "fairness_report",
        FAIRNESS_COLUMNS,
        examined,
        as_rows(list(attributes)),
    )


def replace_explanations(
    connection: duckdb.DuckDBPyConnection, examined: Examined, ranking: Sequence[Importance]
) -> int:
    """One row per feature of the month's challenger, in place of those before; returns their
    number.
    """
    rows = []
    for rank, it in enumerate(ranking, start=1):
        row = {
            "feature": it.feature,
            "feature_group": it.group,
            "rank": rank,
            "mean_abs_contribution": it.mean_abs_contribution,
            "share": it.share,
        }
        rows.append(row)

    return _replace(connection, "explanations", EXPLANATION_COLUMNS, examined, rows)


def _replace(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: dict[str, str],
    examined: Examined,
    rows: list[dict[str, Any]],
) -> int:
    subject = {"month": examined.month, "model_version": examined.version}
    table = arrow_rows(columns, ({**subject, **row} for row in rows))
    name = f"{examined.portfolio.name}.{name}"
    return replace_rows(connection, name, columns, examined.month, table)
