"""Answers why a customer scores so, and what other values of the features would do."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from churn_platform.published.calibration import log_odds, probability
from churn_platform.published.format import CUSTOMER_ID
from serving.answer.answers import Contribution, Explanation, WhatIf
from serving.answer.dataplane import Dataplane
from serving.answer.effects import alternatives, effects, top_places
from serving.errors import Fault, InvalidRequest
from serving.loading.bundles import Model
from serving.registry import ServedPortfolio
from serving.request.subject import Subject, chosen_share, read_object
from serving.security.callers import Caller

WHAT_IF = "what_if"


def explain(
    plane: Dataplane, portfolio_name: str | None, body: bytes, request_id: str, caller: Caller
) -> Explanation:
    """The score as `predict` gives it, logged likewise but not counted, with the effect of each
    feature and of changes.

    `what_if` names features with other values: each alone is tried, then all together. Without it,
    each feature that raises the risk most is brought to its reference.
    """
    begun = time.perf_counter()
    portfolio = plane.registry.get(portfolio_name)
    given = read_object(body)
    caller.check_sent(
        given, (CUSTOMER_ID, portfolio.id_column)
    )  # what a change would do counts as features, too
    # Taken out before the features are read: it is no feature.
    wanted = given.pop(WHAT_IF, None)
    share, _ = chosen_share(portfolio, given, request_id, caller)
    # Before the score: where a change is not allowed, nothing is logged.
    changes = _changes(share.model, portfolio, wanted)
    answer, asked = plane.look_at(portfolio, given, request_id, begun, caller)
    model = asked.share.model
    if model is not share.model:  # the champion stands in, which has places of its own
        changes = _changes(model, portfolio, wanted)
    found = {} if asked.cold_start else effects(model, asked.vector, answer.churn_probability)
    strongest = sorted(found, key=lambda place: (-abs(found[place]), place))

    if wanted is None:
        references = model.catalogue.references
        changes = [
            {place: float(references[place])} for place in top_places(found, asked.missing, model)
        ]

    return Explanation(
        score=answer,
        contributions=[
            _contribution(model, asked.vector, place, found[place], answer.churn_probability)
            for place in strongest
        ],
        what_if=_what_if(asked, changes),
    )


def _changes(model: Model, portfolio: ServedPortfolio, wanted: Any) -> list[Mapping[int, float]]:
    """Each change alone, then all together; InvalidRequest where one is not allowed."""
    if wanted is None:
        return []

    faults: list[Fault] = []
    if not isinstance(wanted, dict) or not wanted:
        raise InvalidRequest(
            [Fault(WHAT_IF, type(wanted).__name__, "an object with at least one feature")]
        )

    values = model.catalogue.read(
        wanted,
        faults,
        also_known=portfolio.known_names,
        as_of=portfolio.as_of,
        at=f"{WHAT_IF}.",
    )
    if faults:
        raise InvalidRequest(faults)

    alone: list[Mapping[int, float]] = [{place: value} for place, value in values.items()]
    return [*alone, values] if len(values) > 1 else alone


def _contribution(
    model: Model, vector: np.ndarray, place: int, effect: float, churn_probability: float
) -> Contribution:
    catalogue, number = model.catalogue, float(vector[place])
    return Contribution(
        feature=catalogue.names[place],
        value=catalogue.value(place, number),
        reference=catalogue.value(place, float(catalogue.references[place])),
        effect_log_odds=effect,
        churn_probability_at_reference=probability(log_odds(churn_probability) - effect),
        sentence=catalogue.sentence(place, number),
    )


def _what_if(asked: Subject, changes: list[Mapping[int, float]]) -> list[WhatIf]:
    model = asked.share.model
    catalogue = model.catalogue
    tried = []
    found = alternatives(model, asked.vector, changes)
    for change, reached in zip(changes, found, strict=True):
        named = {}
        for place, value in change.items():
            named[catalogue.names[place]] = catalogue.value(place, value)

        one = WhatIf(
            changes=named,
            churn_probability=reached,
            risk_tier=model.tier(reached),
        )
        tried.append(one)

    return tried
