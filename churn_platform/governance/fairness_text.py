"""Fairness and importance as tables to read."""

from collections.abc import Sequence

from churn_platform.governance.explanations import Importance
from churn_platform.markdown import escaped, table
from churn_platform.metrics.fairness import (
    ESTIMATES,
    AttributeFairness,
    Estimate,
    GroupFairness,
    worst_gap,
)
from churn_platform.portfolios.spec import Gates

HEADINGS = (
    "selection rate",
    "recall",
    "false-positive rate",
    "precision",
    "mean predicted minus observed",
)


def fairness_markdown(attributes: Sequence[AttributeFairness], gates: Gates) -> str:
    """Every attribute as a table of its groups, with the differences, and the
    verdict on the gate.
    """
    parts = [_attribute(it, gates) for it in attributes]
    parts.append(verdict(attributes, gates))
    return "\n\n".join(parts)


def verdict(attributes: Sequence[AttributeFairness], gates: Gates) -> str:
    """What the gate says, in a sentence."""
    gap = worst_gap(list(attributes))
    if gap is None:
        return (
            "No protected attribute has two groups large enough to be compared; "
            "the fairness gate judges nothing."
        )

    kept = "within" if gap <= gates.max_fairness_gap else "above"
    return (
        f"Largest equalized-odds difference {gap:.4f}, "
        f"{kept} the gate of {gates.max_fairness_gap:g}."
    )


def shown(estimate: Estimate | None) -> str:
    """An estimate with its interval; a dash where there is none."""
    return f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})" if estimate else "-"


def _attribute(it: AttributeFairness, gates: Gates) -> str:
    lines = [
        f"### {escaped(it.attribute)}",
        "",
        table(["group", "customers", "churners", *HEADINGS], map(_row, it.groups)),
        "",
        f"Demographic-parity difference {shown(it.demographic_parity_difference)}, "
        f"equalized-odds difference {shown(it.equalized_odds_difference)}.",
    ]
    # Beside the gap, so that a reader does not take chance for a fault of the model.
    if it.chance_gap is not None:
        lines.append(
            f"Equal errors would show an equalized-odds difference above {it.chance_gap:.4f} once "
            "in 20 samples."
        )

    if it.too_small:
        lines.append(
            f"Too small to judge (fewer than {gates.min_group_outcomes} churners or stayers): "
            f"{', '.join(map(escaped, it.too_small))}."
        )

    return "\n".join(lines)


def _row(group: GroupFairness) -> list[str]:
    rates = [shown(getattr(group, name)) for name in ESTIMATES]
    return [group.group, f"{group.customers:,}", f"{group.churners:,}", *rates]


def importance_markdown(ranking: Sequence[Importance]) -> str:
    """Every feature with its importance, largest first."""
    head = ["feature", "group", "mean size of contribution", "share"]
    rows = []
    for it in ranking:
        rows.append([it.feature, it.group, f"{it.mean_abs_contribution:.4f}", f"{it.share:.1%}"])
    return table(head, rows, align="llrr")
