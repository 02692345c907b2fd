"""Pictures of an experiment: the effect over looks with its bounds, the scores of both versions,
and the split over time.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.experiments.paired import PairedScores
from churn_platform.metrics.metric_pictures import new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 50


def outcome_pictures(rows: Sequence[dict[str, Any]], scores: PairedScores) -> dict[str, bytes]:
    """PNG files by name: effect over the months of `rows`, oldest first, and the distributions."""
    return {
        "effect": png_of(effect_picture(rows)),
        "scores": png_of(scores_picture(scores)),
    }


def effect_picture(rows: Sequence[dict[str, Any]]) -> "Figure":
    """The estimate after each look, with the interval that holds at every look."""
    figure, axes = new_figure("Effect, with the interval of each look", "look", "difference")
    decided = [row for row in rows if row["estimate"] is not None]
    looks = np.arange(1, len(decided) + 1)
    estimate = np.array([row["estimate"] for row in decided])
    low = np.array([row["estimate_low"] for row in decided])
    high = np.array([row["estimate_high"] for row in decided])
    axes.fill_between(looks, low, high, alpha=0.2)
    axes.plot(looks, estimate, "o-")
    axes.axhline(0.0, linestyle=":", color="grey")
    axes.set_xticks(looks, [f"{row['month']:%Y-%m}" for row in decided])
    return figure


def scores_picture(scores: PairedScores) -> "Figure":
    """How many customers have which probability, by version."""
    figure, axes = new_figure("Scores of the same customers", "churn probability", "customers")
    highest = max(float(scores.control.max()), float(scores.challenger.max()))
    edges = np.linspace(0.0, highest, BINS + 1)
    for name, values in (("control", scores.control), ("challenger", scores.challenger)):
        counts, _ = np.histogram(values, edges)
        axes.stairs(counts, edges, label=name)
    axes.set_yscale("symlog")
    axes.legend(fontsize="small")
    return figure


def ratio_picture(days: Sequence[str], shares: Sequence[float], planned: float) -> "Figure":
    """The challenger's share of both slices' customers, day by day, beside the planned one."""
    figure, axes = new_figure("Split over time", "day", "challenger's share of both slices")
    axes.plot(range(len(days)), shares, "o-", markersize=4)
    axes.axhline(planned, linestyle=":", color="grey")
    step = max(1, len(days) // 6)
    shown = list(range(0, len(days), step))
    axes.set_xticks(shown, [days[place] for place in shown])
    return figure
