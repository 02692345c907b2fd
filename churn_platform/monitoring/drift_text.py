"""What monitoring found, as tables to read in the UI."""

from collections.abc import Mapping, Sequence
from typing import Any

from churn_platform.markdown import Finished, escaped, table
from churn_platform.monitoring.performance import ALL

SHOWN_FEATURES = 15
PERFORMANCE = (
    *("auc", "promised_auc", "recall", "precision", "churn_ratio", "churn_rate", "customers"),
    "campaign_profit_eur",
)
Row = Mapping[str, Any]


def drift_markdown(rows: Sequence[Row]) -> str:
    """The features that are furthest from the reference, drifted ones in bold."""
    head = ["feature", "PSI", "limit", "Jensen-Shannon", "importance", "change of nulls"]
    lines = []
    # By distance in units of the limit: features with wide habits would always lead otherwise.
    ordered = sorted(rows, key=lambda row: (-row["psi"] / row["psi_limit"], row["feature"]))
    for row in ordered[:SHOWN_FEATURES]:
        cells = [
            _marked(row),
            f"{row['psi']:.3f}",
            f"{row['psi_limit']:.3f}",
            f"{row['jensen_shannon']:.3f}",
            f"{row['importance']:.1%}",
            f"{row['null_share_change']:+.1%}",
        ]
        lines.append(cells)

    return table(head, lines)


def _marked(row: Row) -> Finished:
    name = escaped(row["feature"])
    return Finished(f"**{name}**" if row["is_drifted"] else name)


def drift_figures(rows: Sequence[Row]) -> dict[str, float]:
    """The drift of a month in numbers, which the UI draws over the months."""
    drifted = 0
    importance = 0.0
    largest_psi = 0.0
    for row in rows:
        largest_psi = max(largest_psi, row["psi"])
        if row["is_drifted"]:
            drifted += 1
            importance += row["importance"]

    return {
        "drift_share": drifted / len(rows),
        "drifted_importance": float(importance),
        "largest_psi": largest_psi,
    }


def performance_figures(rows: Sequence[Row]) -> dict[str, float]:
    """What was reached and promised on all customers, of the newest feature month that matured."""
    overall = [row for row in rows if row["segment"] == ALL]
    if not overall:
        return {}
    newest = max(overall, key=lambda row: row["features_month"])
    return {name: newest[name] for name in PERFORMANCE}


def performance_markdown(rows: Sequence[Row]) -> str:
    """All customers, then each segment."""
    head = [
        *("segment", "level", "customers", "churn rate", "AUC (95 %)", "AUC promised"),
        *("recall", "lift", "seen / expected"),
    ]
    lines = []
    for row in rows:
        cells = [
            row["segment"],
            row["level"],
            f"{row['customers']:,}",
            f"{row['churn_rate']:.2%}",
            f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})",
            f"{row['promised_auc']:.3f}",
            f"{row['recall']:.1%}",
            f"{row['lift_top_decile']:.1f}",
            f"{row['churn_ratio']:.2f}",
        ]
        lines.append(cells)

    return table(head, lines, align="ll" + "r" * 7)


def decision_markdown(row: Row) -> str:
    """The decision with its reasons."""
    head = "**Training required**" if row["retraining_required"] else "No training required"
    lines = [f"{head} (severity: {row['severity']})", ""]
    for reason in row["reasons"]:
        lines.append(f"- {reason}")
    return "\n".join(lines)
