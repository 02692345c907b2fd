"""What would have to change for a customer to fall into the next lower tier, by what the operator
can act on.

A counterfactual explanation (Wachter et al. 2018) over a small, well-defined space: one or two
actionable features, each moved to a value that other customers have. It describes the model; it
does not prove that a customer would stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

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
    changes: list[Change] = []
    for place in range(len(model.features)):
        changes += _changes(model.features, place, customer, others)

    singles: list[tuple[Change, ...]] = [(change,) for change in changes]
    pairs: list[tuple[Change, ...]] = []
    for first, second in combinations(changes, 2):
        if first.place != second.place:
            pairs.append((first, second))

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
    feature = features[place]
    before = float(customer[place])
    column = others[:, place]
    known = column[~np.isnan(column)].astype(float)
    if feature.actionable is None or np.isnan(before) or not len(known):
        return []

    is_number = feature.type in ("integer", "number")
    tried = np.quantile(known, QUANTILES, method="nearest") if is_number else known

    changes = []
    for after in np.unique(tried).tolist():
        if _is_allowed(feature.actionable, before, after):
            cost = _share_between(known, before, after) if is_number else 1.0
            changes.append(Change(place, before, after, cost))

    return changes


def _is_allowed(direction: str, before: float, after: float) -> bool:
    if direction == "lower":
        return after < before
    if direction == "higher":
        return after > before
    return after != before


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
    costs = []
    for row, changes in zip(rows, tried, strict=True):
        costs.append(sum(change.cost for change in changes))
        for change in changes:
            row[change.place] = change.after

    probability = model.churn_probability(rows)
    for position in np.argsort(costs, kind="stable"):
        # Cheapest first, and only combinations that some customer has.
        if probability[position] >= below:
            continue
        changes = tried[position]
        if _occurs(model.features, rows[position], changes, others):
            return Counterfactual(changes, float(probability[position]))

    return None


def _occurs(
    features: Sequence[Feature], row: np.ndarray, changes: tuple[Change, ...], others: np.ndarray
) -> bool:
    """Whether others have each changed value together with each category, boolean and gap of the
    row.
    """
    # So no one is told to take an add-on to a service that they do not have.
    levels = _levels(features, others)
    level_of = _levels(features, row.reshape(1, -1))[0]
    is_same = levels == level_of

    kinds = []
    for place, feature in enumerate(features):
        if feature.type in ("category", "boolean") or feature.nullable:
            kinds.append(place)

    for change in changes:
        together = is_same[:, kinds] & is_same[:, [change.place]]
        if not together.any(axis=0).all():
            return False

    return True


def _levels(features: Sequence[Feature], rows: np.ndarray) -> np.ndarray:
    """Categories and booleans as they are, numbers only as known (0) or missing (-1)."""
    is_number = np.array([feature.type in ("integer", "number") for feature in features])
    levels = np.where(is_number, 0.0, rows)
    return np.where(np.isnan(rows), -1.0, levels)
