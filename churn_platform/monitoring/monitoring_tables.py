"""What monitoring keeps in the lake: small tables, a month replaced at a time, and the series read
back from them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Any

import duckdb

from churn_platform.monitoring.decision import POLICY, QUIET, Evidence, RetrainingDecision
from churn_platform.monitoring.drift import FeatureDrift, table_drift
from churn_platform.monitoring.performance import ALL, MEASURED
from churn_platform.warehouse.tables import arrow_rows, dicts, replace_rows, table_exists

FEATURE_DRIFT, SERVING_DRIFT, PREDICTION_DRIFT = (
    "feature_drift",
    "serving_drift",
    "prediction_drift",
)
MODEL_PERFORMANCE, RETRAINING_DECISION, DATA_CONTRACT = (
    "model_performance",
    "retraining_decision",
    "data_contract",
)

SUBJECT = {"month": "date", "model_version": "integer"}
DRIFT_COLUMNS = SUBJECT | {
    "feature": "varchar",
    "psi": "double",
    "psi_limit": "double",
    "jensen_shannon": "double",
    "importance": "double",
    "null_share": "double",
    "null_share_change": "double",
    "is_drifted": "boolean",
}
PREDICTION_COLUMNS = SUBJECT | {
    "psi": "double",
    "psi_limit": "double",
    "is_drifted": "boolean",
    "score_mean": "double",
    "score_mean_shift": "double",
    "expected_auc": "double",
    "expected_recall": "double",
    "expected_precision": "double",
    "expected_churn_rate": "double",
}
PERFORMANCE_COLUMNS = SUBJECT | {
    "features_month": "date",
    "scored_by": "varchar",
    "segment": "varchar",
    "level": "varchar",
    "customers": "bigint",
    "churners": "bigint",
    **dict.fromkeys(MEASURED, "double"),
    **{f"{name}_{side}": "double" for name in MEASURED for side in ("low", "high")},
    "promised_auc": "double",
    "auc_gap": "double",
    "auc_gap_low": "double",
    "calibration_slope": "double",
    "churn_ratio": "double",
    "churn_ratio_low": "double",
    "churn_ratio_high": "double",
    "churn_rate_shift": "double",
}
DECISION_COLUMNS = SUBJECT | {
    "retraining_required": "boolean",
    "reasons": "varchar[]",
    "severity": "varchar",
    "dataset_drift": "boolean",
    "drift_share": "double",
    "drifted_importance": "double",
    "drifted_features": "varchar[]",
    "score_mean_shift": "double",
    "churn_rate_shift": "double",
    "evidence": "varchar",
}
COLUMNS = {
    FEATURE_DRIFT: DRIFT_COLUMNS,
    SERVING_DRIFT: DRIFT_COLUMNS,
    PREDICTION_DRIFT: PREDICTION_COLUMNS,
    MODEL_PERFORMANCE: PERFORMANCE_COLUMNS,
    RETRAINING_DECISION: DECISION_COLUMNS,
}
SEVERITIES = ("quiet", "notable", "severe")
Rows = list[dict[str, Any]]


def replace(
    connection: duckdb.DuckDBPyConnection,
    portfolio: str,
    name: str,
    month: date,
    rows: Rows,
) -> int:
    """Put the rows of a month, which may be none, in place of those before. To be called in a
    transaction.
    """
    columns = COLUMNS[name]
    table = arrow_rows(columns, ({"month": month, **row} for row in rows))
    return replace_rows(connection, f"{portfolio}.{name}", columns, month, table)


def drift_rows(version: int, drifted: Sequence[FeatureDrift]) -> Rows:
    """One row per feature."""
    return [{"model_version": version} | asdict(row) for row in drifted]


def read_series(
    connection: duckdb.DuckDBPyConnection,
    portfolio: str,
    month: date,
    *,
    in_force: Callable[[date], int | None],
) -> list[Evidence]:
    """What was measured in each month up to `month` of the version that was in force then, oldest
    first.

    What a month measured of another version does not count: a version that was approved late is in
    force from the month of its training on, and the one before it was measured until then. Outcomes
    are those of all customers; where several feature months matured at once, of the newest.
    """
    measured: dict[date, dict[str, Any]] = {}
    for name, query in _SERIES.items():
        table = f"{portfolio}.{name}"
        if not table_exists(connection, table):
            continue
        for row in dicts(connection.execute(query.format(table=table), [month])):
            known = {column: value for column, value in row.items() if value is not None}
            each = known["month"]
            # Rows of a month that another version was measured on stay in the table until it is
            # run again.
            if known.pop("model_version") == in_force(each):
                measured.setdefault(each, {"features_month": each}).update(known)

    return [Evidence(**measured[each]) for each in sorted(measured)]


_SERIES = {
    FEATURE_DRIFT: "select month, model_version, coalesce(sum(importance) filter (is_drifted), 0) "
    "as drifted_importance from {table} where month <= ? group by month, model_version",
    PREDICTION_DRIFT: "select month, model_version, psi / psi_limit as prediction_drift "
    "from {table} where month <= ?",
    MODEL_PERFORMANCE: "select month, model_version, features_month, "
    "auc_gap_low, churn_ratio_low, churn_ratio_high "
    f"from {{table}} where month <= ? and segment = '{ALL}' order by features_month",
}


def read_broken_months(
    connection: duckdb.DuckDBPyConnection, portfolio: str, month: date
) -> set[date]:
    """Months up to `month` whose data contract failed; none if contracts are not checked."""
    table = f"{portfolio}.{DATA_CONTRACT}"
    if not table_exists(connection, table):
        return set()
    query = f"select distinct month from {table} where month <= ? and not is_sound"
    return {row[0] for row in connection.execute(query, [month]).fetchall()}


def decision_row(
    decision: RetrainingDecision, version: int, drift: Rows, prediction: Rows, performance: Rows
) -> dict[str, Any]:
    """The month in one row, as machines read it: drift of the table, shifts, the decision and what
    it rests on.
    """
    names = [field.name for field in fields(FeatureDrift)]
    feature_drifts = []
    for row in drift:
        feature_drifts.append(FeatureDrift(**{name: row[name] for name in names}))

    table = table_drift(feature_drifts)
    overall = [row for row in performance if row["segment"] == ALL]
    outcomes = sorted(overall, key=lambda row: row["features_month"])
    newest = QUIET
    if decision.windows and decision.windows[0].month == decision.month:
        newest = decision.windows[0].level

    return {
        "model_version": version,
        "retraining_required": decision.is_required,
        "reasons": list(decision.reasons),
        "severity": SEVERITIES[newest],
        "dataset_drift": table.drifted_importance >= POLICY.drifted_importance_notable,
        **asdict(table),
        "score_mean_shift": prediction[0]["score_mean_shift"] if prediction else None,
        "churn_rate_shift": outcomes[-1]["churn_rate_shift"] if outcomes else None,
        "evidence": json.dumps(decision.as_dict()),
    }
