"""Two contact lists, and the draw between them. Customers on both, or on neither, say nothing about
which list earns more; those on one alone are drawn to one of the lists, and their profit does.
"""

from dataclasses import dataclass

import numpy as np

from churn_platform.experiments.paired import Difference, variance_of_mean

EVEN = 0.5


@dataclass(frozen=True)
class Drawn:
    """Customers on one list alone, (rows,) each: the list they were drawn to, whether they were
    contacted, and what they brought, EUR.
    """

    to_challenger: np.ndarray
    is_contacted: np.ndarray
    net_eur: np.ndarray

    def __len__(self) -> int:
        return len(self.net_eur)


def list_difference(drawn: Drawn) -> Difference | None:
    """What a customer brings under the challenger's list minus under the control's, EUR per
    customer drawn; None if one side has fewer than two.

    By intention to treat: a customer counts for the list drawn, contacted or not, because who can
    be reached differs from who cannot. Welch's variance.
    """
    challenger = drawn.net_eur[drawn.to_challenger]
    control = drawn.net_eur[~drawn.to_challenger]
    fewest = min(len(challenger), len(control))
    if fewest < 2:
        return None

    value = challenger.mean() - control.mean()
    variance = variance_of_mean(challenger) + variance_of_mean(control)
    # The draw is a random split already, so a split would need no more customers than it.
    return Difference(
        value=float(value),
        variance=variance,
        split_variance=variance,
    )
