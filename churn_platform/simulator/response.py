"""How customers respond to a retention contact: who stays because of it, who does not change,
and who leaves because of it.
"""

from enum import IntEnum

import numpy as np
from scipy.special import expit, logit

from churn_platform.simulator.coefficients import Response
from churn_platform.simulator.hazard import relative_price
from churn_platform.simulator.identifiers import scatter
from churn_platform.simulator.levels import ContractType
from churn_platform.simulator.population import NO_DAY, Population

_TRAIT = np.uint64(
    1 << 61
)  # keeps the hidden trait apart from what else is scattered over the numbers


class ResponseType(IntEnum):
    """What a contact does to a customer (Radcliffe 2007); hidden from the operator."""

    PERSUADABLE = 0  # stays if the offer is taken
    SURE_THING = 1  # takes the offer gladly, and would have done as it does without
    LOST_CAUSE = 2  # takes no offer, and does as it does without
    SLEEPING_DOG = 3  # is reminded that leaving is possible


def response_types(people: Population, as_of_day: int, probability: np.ndarray) -> np.ndarray:
    """The type of each customer in the month that begins on `as_of_day`, given the probability of
    leaving in it.

    A hidden trait, fixed for life, meets weights that follow from the state; so behaviour shows
    much of the type, not all, and a customer keeps it while little changes.
    """
    cumulated = np.cumsum(type_weights(people, as_of_day, probability), axis=1)
    point = trait(people.number) * cumulated[:, -1]
    return (point[:, None] >= cumulated[:, :-1]).sum(axis=1).astype(np.int8)


def trait(number: np.ndarray) -> np.ndarray:
    """A number from 0 to 1 that belongs to the customer, without a draw from any stream."""
    # From the number, not from a stream: a world without contacts is what it was before contacts
    # existed.
    return (scatter(number.astype(np.uint64) + _TRAIT) >> np.uint64(11)).astype(np.float64) / 2**53


def type_weights(people: Population, as_of_day: int, probability: np.ndarray) -> np.ndarray:
    """Weights of the types, customers x types."""
    response = Response()
    long_with_us = np.clip(
        (as_of_day - people.signup_day - response.long_days) / response.long_days,
        0,
        1,
    )
    quiet = np.clip(1 - people.app_level / response.quiet_sessions, 0, 1)
    log_weights = [
        response.persuadable
        + response.persuadable_per_price * relative_price(people)
        + response.persuadable_per_rise * people.price_rise_felt
        + response.persuadable_if_free * is_free(people, as_of_day),
        response.sure_thing - response.sure_thing_per_logit * logit(probability),
        response.lost_cause + response.lost_cause_per_trouble * (people.trouble + people.grievance),
        response.sleeping_dog + response.sleeping_dog_if_quiet * long_with_us * quiet,
    ]
    # Bounded: exp of a far log-odds would overflow, and the shares do not change any more there.
    return np.exp(np.clip(np.column_stack(log_weights), -20, 20))


def is_free(people: Population, as_of_day: int) -> np.ndarray:
    """Whether a customer may leave at once: month to month, or the commitment is over."""
    ended = (people.contract_end_day != NO_DAY) & (people.contract_end_day < as_of_day)
    return ended | (people.contract == ContractType.MONTH_TO_MONTH)


def acceptance(types: np.ndarray) -> np.ndarray:
    """Probability that a customer who was reached takes the offer."""
    return np.array(Response().acceptance)[types]


def churn_after_contact(
    probability: np.ndarray, types: np.ndarray, is_accepted: np.ndarray
) -> np.ndarray:
    """Probability of leaving of customers who were reached, given whether they took the offer."""
    response = Response()
    woken = expit(logit(probability) + response.wakes)
    kept = is_accepted & (types == ResponseType.PERSUADABLE)
    return np.select(
        [kept, types == ResponseType.SLEEPING_DOG],
        [probability * (1 - response.holds), woken],
        probability,
    )


def churn_if_contacted(probability: np.ndarray, types: np.ndarray) -> np.ndarray:
    """Probability of leaving if the operator sets out to contact the customer, over reaching and
    accepting or not.
    """
    accepts = acceptance(types)
    everybody = np.ones(len(types), dtype=bool)
    if_accepted = churn_after_contact(probability, types, everybody)
    if_refused = churn_after_contact(probability, types, ~everybody)
    if_reached = accepts * if_accepted + (1 - accepts) * if_refused
    reach = Response().reached
    return reach * if_reached + (1 - reach) * probability
