"""Which labelled rows train, validate and judge a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.months import label, months_between
from churn_platform.portfolios.spec import Split

TRAIN, VALIDATION, HOLDOUT = "train", "validation", "holdout"
SPLITS = (TRAIN, VALIDATION, HOLDOUT)
STRATIFIED = "stratified"
Rows = TypeVar("Rows")


@dataclass(frozen=True)
class LabelledMonth:
    """One feature month whose labels have matured: customers and churners among them."""

    features_month: date
    customers: int
    churned: int


def assign_months(months: Sequence[LabelledMonth], split: Split) -> dict[date, str]:
    """Split of each feature month in use, oldest first.

    Out of time: the newest matured month is the hold-out, the one before validates (early stopping,
    calibration, threshold), up to `training_months` before that train. Stratified: the newest month
    alone, cut by `row_splits`. TrainingError if there are too few months or a month in use has
    no churner, or no one who stayed.
    """
    ordered = sorted(months, key=lambda month: month.features_month)
    needed = 3 if split.policy == "out_of_time" else 1
    if len(ordered) < needed:
        known = ", ".join(label(month.features_month) for month in ordered) or "none"
        raise TrainingError(
            f"training needs {needed} months with matured labels, "
            f"there are {len(ordered)} ({known}); "
            "materialize churn_labels for more months first"
        )

    if split.policy == "stratified":
        newest = ordered[-1]
        _require_both_outcomes(newest)
        return {newest.features_month: STRATIFIED}

    # By time, as the model is used: it is fitted on the past and asked about the next month.
    used = ordered[-(split.training_months + 2) :]
    splits = {}
    for month in used:
        _require_both_outcomes(month)
        splits[month.features_month] = TRAIN

    splits[used[-2].features_month] = VALIDATION
    splits[used[-1].features_month] = HOLDOUT
    return splits


def _require_both_outcomes(month: LabelledMonth) -> None:
    # AUC, calibration and the threshold all need both outcomes.
    if not 0 < month.churned < month.customers:
        raise TrainingError(
            f"{label(month.features_month)}: {month.churned} of {month.customers} customers "
            "churned; "
            "a model needs both kinds"
        )


def recency_weights(customers: Mapping[date, int], split: Split) -> dict[date, float]:
    """Weight of a row of each training month, of which `customers` holds the rows; empty if all
    count alike.

    0.5 ** (months before the newest / half-life), divided by its mean over all rows, so that rows
    weigh 1 on average and a penalty or a smallest leaf means what it meant without weights.
    """
    half_life = split.half_life_months
    if half_life is None:
        return {}

    newest = max(customers)
    # Without weights a training after a change in the world learns mostly the old world, and the
    # promotion gate refuses it. Validation and hold-out are one month each and are not weighed.
    aged = {}
    for month in customers:
        age = months_between(month, newest)
        aged[month] = 0.5 ** (age / half_life)

    total = sum(aged[month] * rows for month, rows in customers.items())
    mean = total / sum(customers.values())
    return {month: weight / mean for month, weight in aged.items()}


def scored_rows(train: Rows, validation: Rows, split: Split) -> Rows:
    """Where trials of tuning are scored: the validation month out of time, the training rows of a
    snapshot.
    """
    # A snapshot's validation rows are too few to choose by. Who is scored is never among those
    # fitted on.
    return validation if split.policy == "out_of_time" else train


def row_splits(churned: np.ndarray, split: Split) -> np.ndarray:
    """Split of each row of a snapshot, drawn with the split's seed so that each part has the same
    churn rate.
    """
    generator = np.random.default_rng(split.seed)
    parts = np.full(churned.shape, TRAIN, dtype="<U10")
    for outcome in (0, 1):
        rows = np.flatnonzero(churned == outcome)
        drawn = generator.permutation(rows)
        holdout = round(len(drawn) * split.holdout_share)
        validation = round(len(drawn) * split.validation_share)
        end = holdout + validation
        parts[drawn[:holdout]] = HOLDOUT
        parts[drawn[holdout:end]] = VALIDATION

    return parts
