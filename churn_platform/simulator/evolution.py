"""How customers change in a month: life events, contracts, prices, satisfaction, engagement.

Functions change the arrays they are given in place.
"""

import numpy as np

from churn_platform.simulator.coefficients import Moods, Plans
from churn_platform.simulator.levels import ContractType, Region
from churn_platform.simulator.population import NO_DAY, Population, end_of_term, round_price


def evolve(rng: np.random.Generator, people: Population, *, month_day: int, as_of_day: int) -> None:
    """Live through the month from `month_day` up to `as_of_day`; the state then decides about the
    next month.
    """
    moods = Moods()
    people.price_rise_felt *= Plans().change_memory
    # This order: contracts and prices change what customers feel, and feelings what they use.
    settle_contracts(rng, people, month_day, as_of_day)
    change_some_prices(rng, people)
    offered = strike_districts(rng, people, moods.offer)
    meet_trouble(rng, people, moods)
    feel(rng, people, offered, moods)
    use(rng, people, moods)


def settle_contracts(
    rng: np.random.Generator, people: Population, month_day: int, as_of_day: int
) -> None:
    """Renew commitments at, after or shortly before their end; let some drift to month to month,
    and a few commit.
    """
    plans = Plans()
    committed = people.contract_end_day != NO_DAY
    end = people.contract_end_day
    has_ended = end < month_day
    chance = np.select(
        [~committed, has_ended, end < as_of_day, end < as_of_day + 90],
        [0.0, plans.renew_after_end, plans.renew_at_end, plans.renew_early],
        0.0,
    )
    draw = rng.random(len(people))
    renews = draw < chance
    may_drift = committed & has_ended & ~renews
    drifts = may_drift & (draw < chance + plans.drift_after_end)
    is_monthly = people.contract == ContractType.MONTH_TO_MONTH
    commits = is_monthly & (draw < plans.commit)
    people.contract[drifts] = ContractType.MONTH_TO_MONTH
    people.contract[commits] = ContractType.ONE_YEAR
    people.contract_end_day[drifts] = NO_DAY
    signs = renews | commits
    begins = np.maximum(end[signs], month_day)
    people.contract_end_day[signs] = end_of_term(people.contract[signs], begins)


def change_some_prices(rng: np.random.Generator, people: Population) -> None:
    """The ordinary price changes of a month."""
    plans = Plans()
    n = len(people)
    hit = rng.random(n) < plans.usual_change
    reprice(people, hit, rng.normal(plans.usual_change_mean, plans.usual_change_sd, n))


def raise_prices(rng: np.random.Generator, people: Population) -> None:
    """The price_rise scenario: many plans become dearer at once."""
    plans = Plans()
    n = len(people)
    reprice(
        people,
        rng.random(n) < plans.rise_share,
        rng.uniform(plans.rise_low, plans.rise_high, n),
    )


def reprice(people: Population, hit: np.ndarray, log_change: np.ndarray) -> None:
    """Change the price of the customers in `hit`; they remember the change and mind it by their
    taste.
    """
    new_price = round_price(people.price_eur * np.exp(log_change))
    felt = np.where(hit, np.log(new_price / people.price_eur), 0.0)
    people.price_eur = np.where(hit, new_price, people.price_eur)
    people.price_rise_felt += felt
    people.satisfaction -= Moods().price_rise_hurts * people.price_taste * felt


def strike_districts(rng: np.random.Generator, people: Population, chance: float) -> np.ndarray:
    """Whether an event of that monthly chance strikes each customer's district."""
    return (rng.random(len(Region) * Moods().districts_per_region) < chance)[people.district]


def meet_trouble(rng: np.random.Generator, people: Population, moods: Moods) -> None:
    """Old network trouble and grievances fade; outages, private trouble and new grievances come."""
    n = len(people)
    is_struck = strike_districts(rng, people, moods.outage)
    is_hit = is_struck & (rng.random(n) < moods.outage_hit_share)
    is_troubled = is_hit | (rng.random(n) < moods.trouble_onset)
    is_aggrieved = rng.random(n) < moods.grievance_onset
    trouble = rng.exponential(moods.trouble_mean, n)
    people.trouble *= moods.trouble_memory
    people.trouble += np.where(is_troubled, trouble, 0.0)
    grievance = rng.exponential(moods.grievance_mean, n)
    people.grievance *= moods.grievance_memory
    people.grievance += np.where(is_aggrieved, grievance, 0.0)


def feel(rng: np.random.Generator, people: Population, offered: np.ndarray, moods: Moods) -> None:
    """Satisfaction returns towards the customer's own base and suffers from what happened."""
    drift = (1 - moods.satisfaction_memory) * (people.satisfaction_base - people.satisfaction)
    hurt = moods.trouble_hurts * people.trouble + moods.grievance_hurts * people.grievance
    pull = moods.offer_pull * offered * people.price_taste
    noise = rng.normal(0, moods.satisfaction_noise_sd, len(people))
    people.satisfaction += drift - hurt - pull + noise


def use(rng: np.random.Generator, people: Population, moods: Moods) -> None:
    """Log usage follows satisfaction; some of the dissatisfied move traffic to a second card; habit
    lags behind.
    """
    n = len(people)
    # Before engagement moves: a decline is felt against the level of the months before.
    people.habit += (1 - moods.habit_memory) * (people.engagement - people.habit)
    satisfaction = people.satisfaction
    # Bounded above: a very happy customer does not call ever more.
    target = moods.engagement_follows * np.clip(satisfaction, -3, 1.5)
    logit = moods.second_sim_logit - moods.second_sim_per_dissatisfaction * satisfaction
    probability = 1 / (1 + np.exp(-logit))
    leaves_partly = rng.random(n) < probability
    noise = rng.normal(0, moods.engagement_noise_sd, n)
    people.engagement += (1 - moods.engagement_memory) * (target - people.engagement)
    people.engagement += noise - moods.second_sim_drop * leaves_partly
