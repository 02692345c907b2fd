"""What monitoring found, as tables to read in the UI."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_FEATURES = 15
Row = Mapping[str, Any]


def drift_markdown(rows: Sequence[Row]) -> str:
    """The features that are furthest from the reference, drifted ones in bold."""
    lines = [
        "| feature | PSI | limit | Jensen-Shannon | importance | change of nulls |",
        "|---|--:|--:|--:|--:|--:|",
    ]
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
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _marked(row: Row) -> str:
    return f"**{row['feature']}**" if row["is_drifted"] else str(row["feature"])


def performance_markdown(rows: Sequence[Row]) -> str:
    """All customers, then each segment."""
    lines = [
        "| segment | level | customers | churn rate | AUC (95 %) | AUC promised | recall | lift "
        "| seen / expected |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
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
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def decision_markdown(row: Row) -> str:
    """The decision with its reasons."""
    head = "**Training required**" if row["retraining_required"] else "No training required"
    return "\n".join(
        [f"{head} (severity: {row['severity']})", "", *(f"- {reason}" for reason in row["reasons"])]
    )
