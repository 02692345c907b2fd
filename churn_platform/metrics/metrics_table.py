"""Metrics as tables to read."""

from collections.abc import Mapping, Sequence

from churn_platform.markdown import table
from churn_platform.published.plain_numbers import number

SHOWN = {
    "auc": "AUC-ROC",
    "average_precision": "average precision",
    "recall": "recall at the threshold",
    "precision": "precision at the threshold",
    "contacted_share": "share of customers at or above the threshold",
    "lift_top_decile": "lift in the top decile",
    "capture_top_decile": "share of churners in the top decile",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "empc_eur": "expected maximum profit (EMPC), EUR per customer",
    "campaign_profit_eur": "campaign profit at the threshold, EUR per customer",
    "churn_rate": "churn rate",
    "customers": "customers",
}


def metrics_table(
    columns: Mapping[str, Mapping[str, float]],
    intervals: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> str:
    """A Markdown table of metrics, one column per named set of them, each with its 95 % interval
    where there is one.

    A metric that a set lacks, because it is younger than the model, shows as a dash.
    """
    known = intervals or {}
    rows = []
    for name, shown in SHOWN.items():
        cells = [shown]
        for column, metrics in columns.items():
            interval = known.get(column, {}).get(name)
            cells.append(_cell(metrics.get(name), interval))

        rows.append(cells)

    return table(["metric", *columns], rows)


def _cell(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None:
        return "-"
    if not interval:
        return number(value)
    return f"{number(value)} ({number(interval[0])} to {number(interval[1])})"
