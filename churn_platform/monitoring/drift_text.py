"""What monitoring found, as tables to read in the UI."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN_FEATURES = 15
Row = Mapping[str, Any]


def drift_markdown(rows: Sequence[Row]) -> str:
    """The features that are furthest from the reference, drifted ones in bold."""
    # By distance in units of the limit: features with wide habits would always lead otherwise.
    ordered = sorted(rows, key=lambda row: (-row["psi"] / row["psi_limit"], row["feature"]))[
        :SHOWN_FEATURES
    ]
    lines = [
        f"| {_marked(row)} | {row['psi']:.3f} | {row['psi_limit']:.3f} | "
        f"{row['jensen_shannon']:.3f} "
        f"| {row['importance']:.1%} | {row['null_share_change']:+.1%} |"
        for row in ordered
    ]
    head = (
        "| feature | PSI | limit | Jensen-Shannon | importance | change of nulls "
        "|\n|---|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *lines])


def _marked(row: Row) -> str:
    return f"**{row['feature']}**" if row["is_drifted"] else str(row["feature"])


def performance_markdown(rows: Sequence[Row]) -> str:
    """All customers, then each segment."""
    lines = [
        f"| {row['segment']} | {row['level']} | {row['customers']:,} | {row['churn_rate']:.2%} "
        f"| {row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f}) | "
        f"{row['promised_auc']:.3f} "
        f"| {row['recall']:.1%} | {row['lift_top_decile']:.1f} | {row['churn_ratio']:.2f} |"
        for row in rows
    ]
    head = (
        "| segment | level | customers | churn rate | AUC (95 %) | AUC promised | recall | lift | "
        "seen / expected |\n"
        "|---|---|--:|--:|--:|--:|--:|--:|--:|"
    )
    return "\n".join([head, *lines])


def decision_markdown(row: Row) -> str:
    """The decision with its reasons."""
    head = "**Training required**" if row["retraining_required"] else "No training required"
    return "\n".join(
        [f"{head} (severity: {row['severity']})", "", *(f"- {reason}" for reason in row["reasons"])]
    )
