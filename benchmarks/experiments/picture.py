"""Draws experiments without a difference, and the bounds of each method beside them."""

import numpy as np
from scipy.stats import norm

from benchmarks.experiments.monthly import ALPHA, CUSTOMERS_A_MONTH
from churn_platform.experiments.group_sequential import even_looks
from churn_platform.metrics.metric_pictures import new_figure, png_of
from churn_platform.published.confidence_sequence import multiple_of_error

MONTHS = 12
SHOWN = 60


def draw(experiments: int, rate: float, *, seed: int) -> bytes:
    """A PNG: z of experiments without a difference month by month, with the three bounds."""
    generator = np.random.default_rng(seed)
    customers = CUSTOMERS_A_MONTH // 2
    events = generator.binomial(customers, rate, (2, experiments, MONTHS)).cumsum(axis=2)
    months = np.arange(MONTHS) + 1
    seen = customers * months
    rates = events / seen
    error = np.sqrt((rates * (1 - rates)).sum(axis=0) / seen)
    z = (rates[0] - rates[1]) / error

    figure, axes = new_figure(
        f"{SHOWN} experiments without a difference", "month", "difference, standard errors"
    )
    axes.plot(months, z[:SHOWN].T, color="grey", linewidth=0.6, alpha=0.5)
    bounds = {
        "z-test at each look": np.full(MONTHS, norm.isf(ALPHA / 2)),
        "group-sequential": np.array([look.bound for look in even_looks(MONTHS, alpha=ALPHA)]),
        "confidence sequence": np.array(
            [multiple_of_error(month / MONTHS, alpha=ALPHA) for month in months]
        ),
    }
    for name, bound in bounds.items():
        alarms = (np.abs(z) > bound).any(axis=1).mean()
        lines = axes.plot(months, bound, label=f"{name}: {alarms:.1%} of {experiments:,} cross it")
        axes.plot(months, -bound, color=lines[0].get_color())

    axes.set_ylim(-7, 7)
    axes.legend(fontsize="small", loc="upper right")
    return png_of(figure)
