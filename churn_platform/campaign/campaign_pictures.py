"""Pictures of what a campaign should bring: net value by budget, and how it depends on what is
assumed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.campaign.list_economics import profit_curve, threshold_of
from churn_platform.metrics.metric_pictures import new_figure, png_of
from churn_platform.portfolios.economics import Economics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def economics_pictures(
    probability: np.ndarray, economics: Economics, sensitivity: Sequence[dict[str, float]]
) -> dict[str, bytes]:
    """PNG files by name: net_by_budget of contacting the riskiest first, and sensitivity of the
    best net value.
    """
    drawn = {
        "net_by_budget": _net_by_budget(probability, economics),
        "sensitivity": _sensitivity(sensitivity),
    }
    return {name: png_of(figure) for name, figure in drawn.items()}


def _net_by_budget(probability: np.ndarray, economics: Economics) -> "Figure":
    figure, axes = new_figure(
        "Expected net value by budget", "budget, 1,000 EUR", "net value, 1,000 EUR"
    )
    worthwhile = int((probability > threshold_of(economics)).sum())
    # beyond a few times the best budget the curve only falls, and would press the rest into a
    # corner
    shown = np.sort(probability)[::-1][: max(50, 4 * worthwhile)]
    contacts, net = profit_curve(shown, economics).T
    axes.plot(contacts * economics.contact_cost_eur / 1000, net / 1000)
    best = int(np.argmax(net))
    if net[best] > 0:
        place = contacts[best] * economics.contact_cost_eur / 1000, net[best] / 1000
        axes.plot(*place, "ko", markersize=4)
        axes.annotate(
            f"{worthwhile:,} contacts", place, xytext=(4, 6), textcoords="offset points", fontsize=7
        )
    axes.axhline(0, color="grey", linewidth=0.8)
    return figure


def _sensitivity(rows: Sequence[dict[str, float]]) -> "Figure":
    acceptance, cost = (
        sorted({row[name] for row in rows}) for name in ("acceptance_factor", "cost_factor")
    )
    net = {(row["acceptance_factor"], row["cost_factor"]): row["net_eur"] / 1000 for row in rows}
    grid = np.array([[net[up, across] for across in cost] for up in acceptance])
    figure, axes = new_figure(
        "Best net value, 1,000 EUR",
        "contact cost, times the spec's",
        "acceptance, times the spec's",
    )
    axes.grid(visible=False)
    axes.imshow(grid, cmap="Blues", origin="lower", aspect="auto")
    for row, column in np.ndindex(*grid.shape):
        dark = grid[row, column] > 0.6 * grid.max()
        axes.text(
            column,
            row,
            f"{grid[row, column]:,.1f}",
            ha="center",
            va="center",
            color="white" if dark else "black",
        )
    axes.set_xticks(range(len(cost)), [f"{each:g}" for each in cost])
    axes.set_yticks(range(len(acceptance)), [f"{each:g}" for each in acceptance])
    return figure
