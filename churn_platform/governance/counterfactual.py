"""What would have to change for a customer to fall into the next lower tier, by what the operator
can act on.

A counterfactual explanation (Wachter et al. 2018) over a small, well-defined space: one or two
actionable features, each moved to a value that other customers have. It describes the model; it
does not prove that a customer would stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.model import ChurnModel

QUANTILES = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Change:
    """One feature moved from a value to another, both encoded; `cost` is the share of customers in
    between, or 1.
    """

    place: int
    before: float
    after: float
    cost: float


@dataclass(frozen=True)
class Counterfactual:
    """The cheapest changes found, and the probability that the model gives with them."""

    changes: tuple[Change, ...]
    churn_probability: float


def find_counterfactual(
    model: ChurnModel, customer: np.ndarray, others: np.ndarray, *, below: float
) -> Counterfactual | None:
    """The cheapest change of one actionable feature, else of two, that brings the probability below
    `below`.

    `customer` (features,) and `others` (rows, features) are encoded in the model's own order;
    `others` say which values occur, and together with which categories. A number costs the share of
    others between old and new value, anything else 1. Ties fall to the order of the catalogue. None
    if no such change is enough.
    """
    by_feature = [
        _changes(model.features, place, customer, others) for place in range(len(model.features))
    ]
    changes = [change for moves in by_feature for change in moves]
    singles: list[tuple[Change, ...]] = [(change,) for change in changes]
    pairs: list[tuple[Change, ...]] = [
        it for it in combinations(changes, 2) if it[0].place != it[1].place
    ]
    # One change before two: it is what an agent can offer. Features that follow from a changed one
    # are not computed again, since this describes the model and no effect.
    for tried in (singles, pairs):
        if found := _cheapest(model, customer, others, tried, below):
            return found
    return None


def _changes(
    features: Sequence[Feature], place: int, customer: np.ndarray, others: np.ndarray
) -> list[Change]:
    """Every move of one feature in its direction, to a value that others have; unknown values stay
    unknown.
    """
    feature, before = features[place], float(customer[place])
    known = others[:, place][~np.isnan(others[:, place])].astype(float)
    if feature.actionable is None or np.isnan(before) or not len(known):
        return []
    is_number = feature.type in ("integer", "number")
    values = np.unique(np.quantile(known, QUANTILES, method="nearest") if is_number else known)
    allowed = {"lower": values < before, "higher": values > before, "any": values != before}[
        feature.actionable
    ]
    return [
        Change(
            place,
            before,
            float(after),
            _share_between(known, before, float(after)) if is_number else 1.0,
        )
        for after in values[allowed]
    ]


def _share_between(known: np.ndarray, first: float, second: float) -> float:
    low, high = sorted((first, second))
    return float(((known > low) & (known <= high)).mean())


def _cheapest(
    model: ChurnModel,
    customer: np.ndarray,
    others: np.ndarray,
    tried: list[tuple[Change, ...]],
    below: float,
) -> Counterfactual | None:
    if not tried:
        return None
    rows = np.repeat(customer.reshape(1, -1), len(tried), axis=0)
    for row, changes in zip(rows, tried, strict=True):
        for change in changes:
            row[change.place] = change.after
    probability = model.churn_probability(rows)
    for position in np.argsort(
        [sum(change.cost for change in changes) for changes in tried], kind="stable"
    ):
        # Cheapest first, and only combinations that some customer has.
        if probability[position] < below and _occurs(
            model.features, rows[position], tried[position], others
        ):
            return Counterfactual(tried[position], float(probability[position]))
    return None


def _occurs(
    features: Sequence[Feature], row: np.ndarray, changes: tuple[Change, ...], others: np.ndarray
) -> bool:
    """Whether others have each changed value together with each category, boolean and gap of the
    row.

    So no one is told to take an add-on to a service that they do not have.
    """
    is_kind = [it.type in ("category", "boolean") or it.nullable for it in features]
    levels, level_of = _levels(features, others), _levels(features, row.reshape(1, -1))[0]
    return all(
        (
            (levels[:, change.place] == level_of[change.place])
            & (levels[:, place] == level_of[place])
        ).any()
        for change, place in product(changes, np.flatnonzero(is_kind))
    )


def _levels(features: Sequence[Feature], rows: np.ndarray) -> np.ndarray:
    """Categories and booleans as they are, numbers only as known (0) or missing (-1)."""
    is_number = np.array([feature.type in ("integer", "number") for feature in features])
    missing = np.isnan(rows)
    return np.where(missing, -1.0, np.where(is_number, 0.0, rows))
