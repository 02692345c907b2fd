"""Metrics as tables to read."""

from collections.abc import Mapping

SHOWN = {
    "auc": "AUC-ROC",
    "average_precision": "average precision",
    "recall": "recall at the threshold",
    "precision": "precision at the threshold",
    "contacted_share": "share of customers at or above the threshold",
    "lift_top_decile": "lift in the top decile",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "churn_rate": "churn rate",
    "customers": "customers",
}


def metrics_table(columns: Mapping[str, Mapping[str, float]]) -> str:
    """A Markdown table of metrics, one column per named set of them."""
    header = f"| metric | {' | '.join(columns)} |"
    rule = "|---|" + "--:|" * len(columns)
    rows = [
        f"| {shown} | " + " | ".join(f"{metrics[name]:,.4g}" for metrics in columns.values()) + " |"
        for name, shown in SHOWN.items()
    ]
    return "\n".join([header, rule, *rows])
