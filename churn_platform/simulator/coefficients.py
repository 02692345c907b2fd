"""Every number of the world in one place, with why it is as it is.

Logits are log-odds of leaving in the coming month. The sizes were chosen so that about 2.3 % leave
a month, the true probabilities rank churners with an AUC of about 0.89 (a normal logit of standard
deviation s gives about Phi(s/sqrt 2)), and what customers do shows most, never all, of what drives
them.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Mix:
    """Shares of the levels among customers who join; order of the portfolio spec."""

    contract: tuple[float, ...] = (0.25, 0.20, 0.30, 0.25)
    payment: tuple[float, ...] = (0.55, 0.20, 0.15, 0.10)
    age: tuple[float, ...] = (0.13, 0.19, 0.20, 0.19, 0.15, 0.14)
    gender: tuple[float, ...] = (0.49, 0.48, 0.03)
    region: tuple[float, ...] = (0.27, 0.19, 0.20, 0.23, 0.11)


USUAL_MIX = Mix()
# A smaller operator's customers are taken over: younger, southern, fewer commitments and more
# cards.
TAKEOVER_MIX = Mix(
    contract=(0.30, 0.20, 0.30, 0.20),
    payment=(0.40, 0.40, 0.12, 0.08),
    age=(0.32, 0.34, 0.16, 0.09, 0.05, 0.04),
    region=(0.08, 0.07, 0.15, 0.45, 0.25),
)


def with_prepaid(mix: Mix, share: float) -> Mix:
    """The mix with that share of prepaid contracts, the others in proportion."""
    prepaid, *others = mix.contract
    rest = (1 - share) / (1 - prepaid)
    return replace(mix, contract=(share, *(other * rest for other in others)))


OPTED_OUT_SHARE = 0.08  # of the base: customers who refuse marketing contacts
TAKEOVER_SHARE = 0.08  # of the base: enough to move the mix of one month visibly
TAKEOVER_APP_LEVEL = 1.3  # a redesigned app is opened more often by everybody
TAKEOVER_DATA_VOLUME = 1.25  # better video quality: more MB a session for everybody


@dataclass(frozen=True)
class Founding:
    """The base before the first month; a run-in then brings it to its steady state."""

    run_in_months: int = 12  # the slowest state forgets nine tenths of its start in about 10 months
    tenure_mean_days: float = 1200  # near 1 / (2.3 % a month), the steady state of the churn rate
    tenure_max_days: int = 5400


@dataclass(frozen=True)
class Plans:
    """Prices and contracts."""

    price_median_eur: tuple[float, ...] = (
        11.0,
        24.0,
        28.0,
        34.0,
    )  # by contract type: prepaid is cheap
    price_log_sd: float = 0.30
    price_step_eur: float = 0.5  # list prices end in .00 or .50
    taste_log_sd: float = 0.25  # hidden: how much a euro hurts; mean 1
    usual_change: float = 0.025  # share whose price changes in an ordinary month
    usual_change_mean: float = 0.06  # indexation clauses raise more often than discounts lower
    usual_change_sd: float = 0.10
    change_memory: float = 0.70  # share of a price change still felt a month later
    rise_share: float = 0.60  # price_rise scenario: who is hit
    rise_low: float = 0.08  # price_rise scenario: by how much
    rise_high: float = 0.20
    renew_at_end: float = 0.55  # in the month the commitment ends, and each month after:
    renew_after_end: float = 0.18
    drift_after_end: float = 0.12  # the rest slides into a month-to-month plan
    renew_early: float = 0.06  # a month, within the last 90 days
    commit: float = 0.012  # month-to-month customers who sign for a year, a month


@dataclass(frozen=True)
class Moods:
    """How hidden satisfaction, trouble and engagement move from month to month."""

    districts_per_region: int = (
        8  # outages and offers strike districts, so the national churn rate stays steady
    )
    outage: float = 0.06  # per district and month
    outage_hit_share: float = 0.5
    trouble_onset: float = 0.04  # a customer's own network trouble, per month
    trouble_mean: float = 1.3
    trouble_memory: float = 0.55
    grievance_onset: float = 0.035  # a wrong bill, a broken promise
    grievance_mean: float = 1.4
    grievance_memory: float = 0.60
    offer: float = 0.08  # a competitor advertises in a district, per month
    offer_pull: float = 0.35  # times the customer's taste for price
    satisfaction_base_sd: float = 0.40
    satisfaction_memory: float = 0.80
    satisfaction_noise_sd: float = 0.24
    trouble_hurts: float = 0.30
    grievance_hurts: float = 0.40
    price_rise_hurts: float = 2.2  # per unit of log price and of taste
    engagement_memory: float = 0.75
    engagement_follows: float = 0.28  # log usage moves towards this times satisfaction
    engagement_noise_sd: float = 0.07
    second_sim_logit: float = -4.3  # part of the traffic moves to another operator's card,
    second_sim_per_dissatisfaction: float = 1.3  # mostly for the dissatisfied
    second_sim_drop: float = 0.80  # of log usage
    habit_memory: float = 0.70  # against what past level a decline is felt


@dataclass(frozen=True)
class Hazard:
    """Log-odds of leaving in the coming month; see `hazard.churn_logit`."""

    intercept: float = -5.8
    prepaid: float = 0.6
    month_to_month: float = 1.25
    one_year: float = -0.5
    two_year: float = -1.3  # a customer who commits for longer wants to stay
    end_near: float = 2.0  # times 1 at the end of the commitment, 0 at 90 days before it
    out_of_contract: float = 2.2
    price_level: float = 0.8  # per log price against the usual of that contract, times taste
    price_rise: float = 4.0  # per log price increase still felt, times taste
    trouble: float = 0.55
    grievance: float = 0.55
    dissatisfaction: float = 1.0
    decline: float = 2.3  # per log usage below habit
    new_customer: float = 0.5  # in the first months the honeymoon may not come
    new_customer_days: float = 180
    lured: float = 0.0  # young, long with us, prepaid or dear, in the regions a competitor enters


USUAL_HAZARD = Hazard()
# The competitor takes the customers that the old drivers called safe; the old drivers fade.
COMPETITOR_HAZARD = replace(
    USUAL_HAZARD,
    intercept=-5.6,
    month_to_month=0.3,
    one_year=0.0,
    two_year=0.0,
    prepaid=0.2,
    end_near=0.5,
    out_of_contract=0.5,
    trouble=0.15,
    grievance=0.15,
    dissatisfaction=0.3,
    decline=0.6,
    new_customer=0.0,
    lured=3.4,
)
LURED_MAX_AGE_CODE = 2  # up to 35-44
LURED_MIN_TENURE_DAYS = 540
LURED_MIN_PRICE_EUR = 30.0
LURED_REGIONS = (0, 3, 4)  # north_west, south, islands


@dataclass(frozen=True)
class Calls:
    """Traffic; rates are shares of `calls_per_customer`."""

    level: float = 1.12  # offsets what engagement and age take from the mean
    level_log_sd: float = 0.45
    data_level_log_sd: float = 0.7
    voice_share: float = 0.50
    sms_share: float = 0.14
    data_share: float = 0.36
    data_by_age: tuple[float, ...] = (1.35, 1.25, 1.05, 0.95, 0.75, 0.55)
    voice_minutes_median: float = 2.2
    voice_log_sd: float = 1.0
    session_mb_median: float = 150.0
    session_log_sd: float = 0.8
    circle_mean: float = 11.0  # people a customer calls again and again
    stranger_share: float = 0.06
    outgoing_share: float = 0.55
    international_share: float = 0.03
    international_spread: float = 1.5  # a few customers make most of the calls abroad
    dropped_share: float = 0.012
    dropped_per_trouble: float = 0.10  # so that a month of 25 calls shows trouble
    dropped_max: float = 0.5


@dataclass(frozen=True)
class Payments:
    """Monthly fees, top-ups and add-ons."""

    due_days: int = 12  # fees fall due in the first days of the month
    late_share: tuple[float, ...] = (0.03, 0.05, 0.14, 0.18)  # by payment method
    late_per_dissatisfaction: float = 1.1  # log-odds: a customer who means to leave does not hurry
    late_mean_days: float = 5.0
    failed_share: tuple[float, ...] = (0.02, 0.05, 0.02, 0.01)
    failed_per_dissatisfaction: float = 0.4
    top_ups: float = 2.0  # a month
    add_ons: float = 0.35
    add_on_eur: tuple[float, ...] = (2.99, 4.99, 9.99)


@dataclass(frozen=True)
class Tickets:
    """Support tickets; logs of monthly rates, log-odds."""

    base_log_rate: float = -2.7
    per_trouble: float = 0.75
    per_grievance: float = 0.85
    per_dissatisfaction: float = 0.45
    max_rate: float = 4.0
    category_weight: tuple[float, ...] = (1.0, 0.6, 0.8, 0.8, 0.3)
    network_per_trouble: float = 2.5
    billing_per_grievance: float = 1.0
    complaint_per_grievance: float = 1.5
    escalation_logit: float = -2.0
    escalation_per_dissatisfaction: float = 0.9
    escalation_median_h: float = 20.0
    resolution_median_h: float = 26.0
    resolution_log_sd: float = 1.0
    resolution_per_dissatisfaction: float = 0.35  # slow help and anger go together
    unresolved_share: float = 0.06


@dataclass(frozen=True)
class App:
    """App sessions."""

    no_app_share: float = 0.12
    level_median: float = 6.0
    level_log_sd: float = 0.6
    follows_engagement: float = 1.0
    session_s_median: float = 80.0
    session_log_sd: float = 0.8
    screen_weight: tuple[float, ...] = (
        0.50,
        0.26,
        0.12,
        0.06,
        0.06,
    )  # all but the cancellation screen
    support_per_trouble: float = 0.10
    cancellation_log_rate: float = -2.0  # a month
    cancellation_per_dissatisfaction: float = 1.2
    cancellation_if_free: float = 0.5  # out of contract or month to month: leaving is a click away
    cancellation_max_rate: float = 5.0


@dataclass(frozen=True)
class Response:
    """What a retention contact does; logs of weights of the types, see `response.py`.

    Chosen so that among customers of high risk a contact takes about 40 % off the probability of
    leaving, which is the reference case's acceptance rate, and that one in ten or so is better left
    alone.
    """

    persuadable: float = 1.1
    persuadable_per_price: float = (
        2.0  # an offer is money: it moves those who find the plan expensive
    )
    persuadable_per_rise: float = 4.0
    persuadable_if_free: float = 0.9
    sure_thing: float = -2.2
    sure_thing_per_logit: float = 0.7  # the safer, the likelier to stay in any case
    lost_cause: float = -0.4
    lost_cause_per_trouble: float = 0.25  # no discount mends a network
    sleeping_dog: float = -1.6
    sleeping_dog_if_quiet: float = (
        4.0  # long with us and seldom in the app: has not thought of leaving
    )
    long_days: float = 900
    quiet_sessions: float = 8.0
    acceptance: tuple[float, ...] = (0.80, 0.50, 0.05, 0.05)  # in the order of the types
    holds: float = (
        0.90  # of the probability of leaving, with a persuadable customer who took the offer
    )
    wakes: float = 1.0  # log-odds of leaving, with a sleeping dog
    reached: float = 0.90  # of those that the operator sets out to contact
    first_days: int = 10  # of the month, in which contacts are made
    office_hours: tuple[int, int] = (9, 18)


# Relative weights: only their shares count.
DAY_PROFILE = np.array(  # share of traffic by hour, UTC
    [
        1,
        0.6,
        0.4,
        0.3,
        0.4,
        0.9,
        2,
        4,
        5.5,
        6,
        6,
        6.2,
        6.5,
        6,
        5.5,
        5.5,
        6,
        6.5,
        7,
        6.5,
        6,
        5,
        3.5,
        2,
    ]
)
# Large on purpose: the scenario is there to show that the data contract stops such a month.
BROKEN_FEED_KEPT = 0.30  # of the call records; the rest is lost between switch and file
BROKEN_FEED_UNIT = 100  # amounts arrive in cents
