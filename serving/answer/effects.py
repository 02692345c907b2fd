"""Why a model scores a customer as it does: what each feature changes against a typical customer's
value.

An ONNX model gives no Shapley values, so one feature at a time is brought to its reference (the
median or most frequent value of the hold-out, from the manifest), all in one batch. The effect of a
feature is how far the log-odds fall by that; effects of features that act together do not add up.
"""

from collections.abc import Collection, Mapping

import numpy as np

from churn_platform.published.calibration import log_odds
from churn_platform.published.reasons import strongest_of_one
from serving.loading.bundles import Model


def effects(
    model: Model, vector: np.ndarray, churn_probability: float, *, among: np.ndarray | None = None
) -> dict[int, float]:
    """Effect in log-odds by place, of every known feature off its reference.

    among: places to look at, where not all.
    """
    places = np.arange(len(vector)) if among is None else among
    values, references = vector[places], model.catalogue.references[places]
    # NaN differs from itself: the last two terms drop what is missing on either side.
    off = (values != references) & (values == values) & (references == references)
    places, references = places[off], references[off]
    if not len(places):
        return {}

    # ONNX gives no Shapley values, so each row has one feature at its reference, in one batch.
    rows = np.repeat(vector[np.newaxis], len(places), axis=0)
    rows[np.arange(len(places)), places] = references
    here = log_odds(churn_probability)
    return {
        place: here - there
        for place, there in zip(places.tolist(), model.log_odds(rows), strict=True)
    }


def alternatives(
    model: Model, vector: np.ndarray, changes: list[Mapping[int, float]]
) -> list[float]:
    """The probability after each set of changes, given as encoded values by place."""
    if not changes:
        return []

    rows = np.repeat(vector[np.newaxis], len(changes), axis=0)
    for row, change in zip(rows, changes, strict=True):
        for place, value in change.items():
            row[place] = value

    return model.churn_probabilities(rows)


def top_places(found: Mapping[int, float], unknown: Collection[str], model: Model) -> list[int]:
    """Up to three features that raise the risk, by the rule of the monthly scores.

    `published/reasons.py` has the rule. What the caller did not tell, or what is protected, is no
    reason.
    """
    features = model.catalogue.features
    raising = {
        place: effect
        for place, effect in found.items()
        if features[place].name not in unknown and not features[place].protected
    }
    return strongest_of_one(raising, model.catalogue.groups)


def reasons(
    model: Model, vector: np.ndarray, churn_probability: float, unknown: Collection[str]
) -> tuple[str, ...]:
    """Sentences on those of the model's telling features that raise the risk most.

    None for the lowest tier, as in the monthly scores. Features that matter little in general are
    not looked at.
    """
    if model.tier(churn_probability) == model.lowest_tier:
        return ()

    # Each feature is a row of the model's time; all 45 would cost more than the rest of the
    # request. Of three reasons 72 % are those of all features in the worst case (effects spread
    # evenly), and the first one is the same in 91 %. `/explain` looks at all.
    found = effects(model, vector, churn_probability, among=model.telling)
    places = top_places(found, unknown, model)
    return tuple(model.catalogue.sentence(place, float(vector[place])) for place in places)
