"""Customers that each design needs for the same certainty: a pair against a split, and a draw where
two lists differ against a split over everybody.
"""

from dataclasses import dataclass

import numpy as np

from churn_platform.experiments.drawn_lists import Drawn, list_difference
from churn_platform.experiments.paired import PairedScores, auc_difference

CUSTOMERS = 40_000
LISTED = 0.05
VALUE_EUR, COST_EUR, KEPT = 400.0, 8.0, 0.3


@dataclass(frozen=True)
class Needed:
    """Spread of an estimate over repetitions, by design; the ratio of the squares is that of the
    customers needed.
    """

    paired: float
    split: float

    @property
    def times(self) -> float:
        """How many times the customers of the first design the second one needs."""
        return (self.split / self.paired) ** 2


def auc_needed(*, repetitions: int, rate: float, seed: int) -> Needed:
    """Two scores nearly alike, as two algorithms on the same features are."""
    generator = np.random.default_rng(seed)
    paired, split = [], []
    for _ in range(repetitions):
        churned, control, challenger = _scores(generator, rate)
        paired.append(auc_difference(PairedScores(churned, control, challenger, 0, 0)).value)
        half = generator.random(CUSTOMERS) < 0.5
        split.append(_auc(churned[half], challenger[half]) - _auc(churned[~half], control[~half]))
    return Needed(float(np.std(paired)), float(np.std(split)))


def lists_needed(*, repetitions: int, rate: float, seed: int) -> Needed:
    """Profit of the month by the draw, and by a split of everybody, EUR over all customers."""
    generator = np.random.default_rng(seed)
    drawn, split = [], []
    for _ in range(repetitions):
        churned, control, challenger = _scores(generator, rate)
        on_control, on_challenger = _listed(control), _listed(challenger)
        differs = on_control != on_challenger
        to_challenger = generator.random(CUSTOMERS) < 0.5
        is_contacted = np.where(to_challenger, on_challenger, on_control)
        is_kept = is_contacted & (generator.random(CUSTOMERS) < KEPT)
        net_eur = VALUE_EUR * ((churned == 0) | is_kept) - COST_EUR * is_contacted
        for rows, into in ((differs, drawn), (np.ones(CUSTOMERS, dtype=bool), split)):
            found = list_difference(Drawn(to_challenger[rows], is_contacted[rows], net_eur[rows]))
            assert found is not None, "both sides have customers"
            into.append(found.value * rows.sum())
    return Needed(float(np.std(drawn)), float(np.std(split)))


def _scores(
    generator: np.random.Generator, rate: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    risk = generator.normal(0, 1, CUSTOMERS)
    churned = (generator.random(CUSTOMERS) < rate * np.exp(risk - 0.5)).astype(int)
    seen = risk + generator.normal(0, 0.7, CUSTOMERS)
    control = seen + generator.normal(0, 0.15, CUSTOMERS)
    challenger = seen + generator.normal(0, 0.15, CUSTOMERS)
    return churned, control, challenger


def _listed(score: np.ndarray) -> np.ndarray:
    return score >= np.quantile(score, 1 - LISTED)


def _auc(churned: np.ndarray, score: np.ndarray) -> float:
    from scipy.stats import rankdata

    ranks = rankdata(score)
    churners = int(churned.sum())
    above = ranks[churned == 1].sum() - churners * (churners + 1) / 2
    return float(above / churners / (len(churned) - churners))
