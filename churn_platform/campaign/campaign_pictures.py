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
    return {
        "net_by_budget": png_of(_net_by_budget(probability, economics)),
        "sensitivity": png_of(_sensitivity(sensitivity)),
    }


def _net_by_budget(probability: np.ndarray, economics: Economics) -> "Figure":
    figure, axes = new_figure(
        "Expected net value by budget",
        "budget, 1,000 EUR",
        "net value, 1,000 EUR",
    )
    worthwhile = int((probability > threshold_of(economics)).sum())
    # beyond a few times the best budget the curve only falls, and would press the rest into a
    # corner
    most_shown = max(50, 4 * worthwhile)
    shown = np.sort(probability)[::-1][:most_shown]
    contacts, net_eur = profit_curve(shown, economics).T
    budget = contacts * economics.contact_cost_eur / 1000
    net = net_eur / 1000
    axes.plot(budget, net)
    best = int(np.argmax(net))
    if net[best] > 0:
        place = budget[best], net[best]
        axes.plot(*place, "ko", markersize=4)
        axes.annotate(
            f"{worthwhile:,} contacts",
            place,
            xytext=(4, 6),
            textcoords="offset points",
            fontsize=9,
        )

    axes.axhline(0, color="grey", linewidth=0.8)
    return figure


def _sensitivity(rows: Sequence[dict[str, float]]) -> "Figure":
    acceptance = sorted({row["acceptance_factor"] for row in rows})
    cost = sorted({row["cost_factor"] for row in rows})
    grid = np.empty((len(acceptance), len(cost)))
    for row in rows:
        up = acceptance.index(row["acceptance_factor"])
        across = cost.index(row["cost_factor"])
        grid[up, across] = row["net_eur"] / 1000

    figure, axes = new_figure(
        "Best net value, 1,000 EUR",
        "contact cost, times the spec's",
        "acceptance, times the spec's",
    )
    axes.grid(visible=False)
    axes.imshow(
        grid,
        cmap="Blues",
        origin="lower",
        aspect="auto",
    )
    darkest = grid.max()
    for (up, across), net in np.ndenumerate(grid):
        axes.text(
            across,
            up,
            f"{net:,.1f}",
            ha="center",
            va="center",
            color="white" if net > 0.6 * darkest else "black",
        )

    axes.set_xticks(range(len(cost)), _factor_names(cost))
    axes.set_yticks(range(len(acceptance)), _factor_names(acceptance))
    return figure


def _factor_names(factors: Sequence[float]) -> list[str]:
    return [f"{factor:g}" for factor in factors]
