"""How well a version does in each part of the customer base."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMBER = r"-?\d[\d.]*(?:e[+-]\d+)?"  # as `quartiles` writes bounds


@dataclass(frozen=True)
class Slice:
    """Metrics of one group at the operating threshold; None if the group is too small, or a
    share is of no one.
    """

    attribute: str
    group: str
    customers: int
    churners: int
    is_too_small: bool
    auc: float | None
    recall: float | None
    precision: float | None

    @property
    def churn_rate(self) -> float:
        """Share of the group that churned."""
        return self.churners / self.customers


def measure_slices(
    groups: Mapping[str, np.ndarray],
    churned: np.ndarray,
    probability: np.ndarray,
    *,
    threshold: float,
    min_outcomes: int,
) -> list[Slice]:
    """A slice per group of each attribute (name -> group of every customer), in the order of names.

    A group with fewer churners or fewer stayers than `min_outcomes` is counted and not measured.
    """
    slices = []
    for name, of in groups.items():
        for group in ordered(of):
            rows = of == group
            slices.append(
                _slice(name, group, churned[rows], probability[rows], threshold, min_outcomes)
            )

    return slices


def ordered(of: np.ndarray) -> list[str]:
    """Quartiles by their bounds, other groups by name."""

    def bound(name: str) -> tuple[float, bool, str]:
        quartile = re.fullmatch(rf"(from|above) ({NUMBER}) to {NUMBER}", name)
        if quartile is None:
            return -math.inf, False, name
        return float(quartile[2]), quartile[1] == "above", name

    return sorted(set(of.tolist()), key=bound)


def _slice(
    attribute: str,
    group: str,
    churned: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    min_outcomes: int,
) -> Slice:
    from sklearn.metrics import roc_auc_score

    customers, churners = len(churned), int(churned.sum())
    counted: dict[str, Any] = {
        "attribute": attribute,
        "group": group,
        "customers": customers,
        "churners": churners,
    }
    if min(churners, customers - churners) < min_outcomes:
        return Slice(
            **counted,
            is_too_small=True,
            auc=None,
            recall=None,
            precision=None,
        )

    selected = probability >= threshold
    hits = int(churned[selected].sum())
    return Slice(
        **counted,
        is_too_small=False,
        auc=float(roc_auc_score(churned, probability)),
        recall=hits / churners,
        precision=hits / int(selected.sum()) if selected.any() else None,
    )
