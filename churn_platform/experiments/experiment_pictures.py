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
MOST_DAYS = 6  # about so many have room below a picture


def outcome_pictures(rows: Sequence[dict[str, Any]], scores: PairedScores) -> dict[str, bytes]:
    """PNG files by name: effect over the months of `rows`, oldest first, and the distributions."""
    return {
        "effect": png_of(effect_picture(rows)),
        "scores": png_of(scores_picture(scores)),
    }


def effect_picture(rows: Sequence[dict[str, Any]]) -> "Figure":
    """The estimate after each look, with the interval that holds at every look."""
    figure, axes = new_figure("Effect, with the interval of each look", "look", "difference")
    months, estimates, lows, highs = [], [], [], []
    for row in rows:
        # A month before anything counted has no interval, and is no look.
        if row["estimate"] is None:
            continue
        months.append(f"{row['month']:%Y-%m}")
        estimates.append(row["estimate"])
        lows.append(row["estimate_low"])
        highs.append(row["estimate_high"])

    looks = range(1, len(months) + 1)
    axes.fill_between(looks, lows, highs, alpha=0.2)
    axes.plot(looks, estimates, "o-")
    # No effect: an interval on one side of this line has decided.
    axes.axhline(0.0, linestyle=":", color="grey")
    axes.set_xticks(looks, months)
    return figure


def scores_picture(scores: PairedScores) -> "Figure":
    """How many customers have which probability, by version."""
    figure, axes = new_figure("Scores of the same customers", "churn probability", "customers")
    arms = {
        "control": scores.control,
        "challenger": scores.challenger,
    }
    # The same bins for both, or their heights could not be compared.
    highest = max(scores.control.max(), scores.challenger.max())
    edges = np.linspace(0.0, float(highest), BINS + 1)
    for name, values in arms.items():
        counts, _ = np.histogram(values, edges)
        axes.stairs(counts, edges, label=name)

    # Few customers have a high score, and those are the ones that a campaign is about.
    axes.set_yscale("symlog")
    axes.legend(fontsize="small")
    return figure


def ratio_picture(days: Sequence[str], shares: Sequence[float], planned: float) -> "Figure":
    """The challenger's share of both slices' customers, day by day, beside the planned one."""
    figure, axes = new_figure("Split over time", "day", "challenger's share of both slices")
    places = range(len(days))
    axes.plot(places, shares, "o-", markersize=4)
    axes.axhline(planned, linestyle=":", color="grey")
    step = max(1, len(days) // MOST_DAYS)
    shown = places[::step]
    named = days[::step]
    axes.set_xticks(shown, named)
    return figure
