"""Who leaves: a pure function of the state at a month's end to the probability of leaving in the
next month.
"""

import numpy as np

from churn_platform.simulator import coefficients as c
from churn_platform.simulator.coefficients import Hazard
from churn_platform.simulator.levels import ContractType
from churn_platform.simulator.population import NO_DAY, Population


def churn_probability(people: Population, as_of_day: int, hazard: Hazard) -> np.ndarray:
    """Probability of leaving in the month that begins on `as_of_day`, one per customer."""
    return 1 / (1 + np.exp(-churn_logit(people, as_of_day, hazard)))


def churn_logit(people: Population, as_of_day: int, hazard: Hazard) -> np.ndarray:
    """Log-odds of leaving in the month that begins on `as_of_day`."""
    return (
        hazard.intercept
        + contract_logit(people, as_of_day, hazard)
        + hazard.price_level * people.price_taste * relative_price(people)
        + hazard.price_rise * people.price_taste * people.price_rise_felt
        + hazard.trouble * people.trouble
        + hazard.grievance * people.grievance
        - hazard.dissatisfaction * people.satisfaction
        + hazard.decline * (people.habit - people.engagement)
        + hazard.new_customer * np.exp(-(as_of_day - people.signup_day) / hazard.new_customer_days)
        + hazard.lured * is_lured(people, as_of_day)
    )


def contract_logit(people: Population, as_of_day: int, hazard: Hazard) -> np.ndarray:
    """The part of the log-odds that the commitment explains."""
    by_type = np.array(
        [
            hazard.prepaid,
            hazard.month_to_month,
            hazard.one_year,
            hazard.two_year,
        ]
    )
    days_left = people.contract_end_day.astype(np.int64) - as_of_day
    is_over = days_left <= 0
    # Customers look around in the last three months of a commitment.
    nearness = np.clip(1 - days_left / 90, 0, 1)
    near_end = hazard.end_near * nearness
    at_end = np.where(is_over, hazard.out_of_contract, near_end)
    is_committed = people.contract_end_day != NO_DAY
    return by_type[people.contract] + np.where(is_committed, at_end, 0.0)


def relative_price(people: Population) -> np.ndarray:
    """Log of the price against the usual price of that contract type."""
    return np.log(people.price_eur / np.array(c.Plans().price_median_eur)[people.contract])


def is_lured(people: Population, as_of_day: int) -> np.ndarray:
    """Who an entering competitor takes: young, long-standing, prepaid or dear, in some regions."""
    long_with_us = as_of_day - people.signup_day >= c.LURED_MIN_TENURE_DAYS
    worth_taking = (people.contract == ContractType.PREPAID) | (
        people.price_eur >= c.LURED_MIN_PRICE_EUR
    )
    young = people.age <= c.LURED_MAX_AGE_CODE
    return young & long_with_us & worth_taking & np.isin(people.region, c.LURED_REGIONS)
