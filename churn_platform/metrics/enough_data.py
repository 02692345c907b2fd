"""Whether labelled customers are enough to train a model and to judge it: one verdict, with its
reason. Pure.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Literal

LEAST_CHURNERS = 50
LEAST_STAYERS = 50
WANTED_PRECISION = 0.05  # half a 95 % interval of the AUC, below which models can be compared
USUAL_AUC = 0.75
Z = 1.96


@dataclass(frozen=True)
class DataVerdict:
    """The answer to "are my data enough?" and the reason, with the counts."""

    answer: Literal["enough", "barely enough", "not enough"]
    reason: str

    def __str__(self) -> str:
        return f"{self.answer}: {self.reason}"


def judge_data(*, churned: int, stayed: int, holdout_share: float) -> DataVerdict:
    """The verdict on labelled customers of whom a share is held out.

    What counts is how closely the AUC of the hold-out will be known. A model that ranks well has an
    AUC of some 0.75, and its standard error follows from the numbers of churners and stayers alone
    (Hanley & McNeil 1982).
    """
    counts = f"{churned:,} of {churned + stayed:,} customers with a label churned"
    if churned < LEAST_CHURNERS:
        return _too_few(counts, LEAST_CHURNERS, "churned")
    if stayed < LEAST_STAYERS:
        return _too_few(counts, LEAST_STAYERS, "stayed")

    held_out_churned = max(1, round(churned * holdout_share))
    held_out_stayed = max(1, round(stayed * holdout_share))
    half = auc_precision(held_out_churned, held_out_stayed)
    known = (
        f"{counts}, so the AUC on a hold-out with {held_out_churned:,} of them will be known "
        f"to within {half:.2f}"
    )
    if half <= WANTED_PRECISION:
        return DataVerdict("enough", known)

    wanted = _churners_for(WANTED_PRECISION, stayed / churned, holdout_share)
    return DataVerdict(
        "barely enough",
        f"{known}; models that differ by less cannot be told apart. "
        f"Some {wanted:,} churned customers would give {WANTED_PRECISION}",
    )


def auc_precision(churned: int, stayed: int, auc: float = USUAL_AUC) -> float:
    """Half the 95 % interval of an AUC that is measured on so many customers."""
    both_churners, both_stayers = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc)
    spread += (churned - 1) * (both_churners - auc**2)
    spread += (stayed - 1) * (both_stayers - auc**2)
    return Z * sqrt(spread / (churned * stayed))


def _churners_for(half: float, stayers_per_churner: float, holdout_share: float) -> int:
    """Churned customers, to the next hundred, with whom the AUC is known as closely."""
    churned = LEAST_CHURNERS
    while auc_precision(churned, ceil(churned * stayers_per_churner)) > half:
        churned += 10
    return ceil(churned / holdout_share / 100) * 100


def _too_few(counts: str, least: int, who: str) -> DataVerdict:
    needed = f"a model needs at least {least} who {who}, so deliver more of them"
    return DataVerdict("not enough", f"{counts}; {needed}")
