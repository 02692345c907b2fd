"""The base over time: who leaves, who joins, and how everybody changes, month by month."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

import numpy as np

from churn_platform.months import shift
from churn_platform.simulator import coefficients as c
from churn_platform.simulator.campaign import ContactPlan, Reached, reach
from churn_platform.simulator.config import (
    Scenario,
    SimulationConfig,
    days_in,
    epoch_day,
    month_number,
)
from churn_platform.simulator.evolution import evolve, raise_prices
from churn_platform.simulator.hazard import churn_probability
from churn_platform.simulator.population import Population, found, recruit
from churn_platform.simulator.response import churn_after_contact, response_types


class Stream(IntEnum):
    """Independent sources of randomness: a new draw in one leaves all others as they were."""

    FOUNDING = 0
    LEAVING = 1
    LIFE = 2
    PRICE_RISE = 3
    JOINING = 4
    CALLS = 5
    PAYMENTS = 6
    TICKETS = 7
    APP = 8
    FAULT = 9
    CAMPAIGN = 10


@dataclass(frozen=True)
class Month:
    """One month of the whole base: those active at its start, who come first, and those who joined
    in it.

    `leaves_on` is the day of the month (from 0) on which a customer leaves, -1 for those who stay.
    `probability` is the chance of leaving in the month without a contact, and `types` what a
    contact would do, for those active at its start only. `plan` and `reached` are the month's
    campaign, None if there was none.
    """

    first_day: date
    scenario: Scenario
    people: Population
    leaves_on: np.ndarray
    probability: np.ndarray
    types: np.ndarray
    plan: ContactPlan | None = None
    reached: Reached | None = None

    @property
    def stays(self) -> np.ndarray:
        """Whether each customer is still active at the end of the month."""
        return self.leaves_on < 0


def generator(
    config: SimulationConfig, stream: Stream, month: date, chunk: int = 0
) -> np.random.Generator:
    """The generator of one stream, month and chunk of customers."""
    # A seed of four parts: a new draw in one stream, month or chunk moves no other.
    return np.random.default_rng([config.seed, stream, month_number(month), chunk])


class World:
    """The base as of the start of the next month to live."""

    def __init__(self, config: SimulationConfig):
        """Found the base and let it run in until the config's first month."""
        self._config = config
        self._next_month = shift(config.first_month, -c.Founding().run_in_months)
        rng = generator(config, Stream.FOUNDING, self._next_month)
        self._mix = c.USUAL_MIX
        if config.prepaid_share is not None:
            self._mix = c.with_prepaid(c.USUAL_MIX, config.prepaid_share)
        self._people = found(rng, config.customers, epoch_day(self._next_month), self._mix)
        self._next_number = config.customers + 1

        # The run-in: a base that was just founded has no moods, no habits and no contracts at their
        # end.
        while self._next_month < config.first_month:
            self.live_month()

    def live_month(self, plan: ContactPlan | None = None) -> Month:
        """Live the next month, in which the operator contacts customers by
        `plan`, and return it.
        """
        month = self._next_month
        scenario = self._config.acting_scenario(month)
        hazard = c.COMPETITOR_HAZARD if scenario == "competitor" else c.USUAL_HAZARD
        probability = churn_probability(self._people, epoch_day(month), hazard)
        types = response_types(self._people, epoch_day(month), probability)
        reached = (
            reach(generator(self._config, Stream.CAMPAIGN, month), plan, self._people, types)
            if plan
            else None
        )
        # Before `_change`: the probability is of the state at the end of the month before, as a
        # model sees it.
        leaves_on = self._leave(month, probability, types, reached)
        self._change(month, scenario)
        joined = self._join(month, scenario, stayed=int((leaves_on < 0).sum()))
        people = self._people.join(joined)
        leaves_on = np.concatenate([leaves_on, np.full(len(joined), -1, dtype=leaves_on.dtype)])
        self._people = people.select(leaves_on < 0)
        self._next_month = shift(month, 1)
        return Month(month, scenario, people, leaves_on, probability, types, plan, reached)

    def _leave(
        self, month: date, probability: np.ndarray, types: np.ndarray, reached: Reached | None
    ) -> np.ndarray:
        """Day on which each leaves, -1 for those who stay; a customer who is reached does not leave
        before that.
        """
        rng = generator(self._config, Stream.LEAVING, month)
        if reached:
            rows = reached.row
            probability = probability.copy()
            probability[rows] = churn_after_contact(
                probability[rows],
                types[rows],
                reached.is_accepted,
            )

        leaves = rng.random(len(probability)) < probability
        day = rng.integers(0, days_in(month), len(leaves))
        if reached:
            # Otherwise a customer could be contacted after leaving, which the landing contract
            # refuses.
            day[reached.row] = np.maximum(day[reached.row], reached.day)

        return np.where(leaves, day, -1)

    def _change(self, month: date, scenario: Scenario) -> None:
        config, people = self._config, self._people
        month_day = epoch_day(month)
        as_of_day = epoch_day(shift(month, 1))
        life = generator(config, Stream.LIFE, month)
        evolve(life, people, month_day=month_day, as_of_day=as_of_day)

        if scenario == "price_rise" and config.scenario_begins(month, scenario):
            raise_prices(generator(config, Stream.PRICE_RISE, month), people)

    def _join(self, month: date, scenario: Scenario, *, stayed: int) -> Population:
        rng = generator(self._config, Stream.JOINING, month)
        takeover = scenario == "harmless_mix"
        wanted = round(self._config.customers * (1 + c.TAKEOVER_SHARE * takeover))
        count = max(0, wanted - stayed)
        signup_day = epoch_day(month) + np.sort(rng.integers(0, days_in(month), count))
        joined = recruit(
            rng,
            self._next_number,
            signup_day,
            c.TAKEOVER_MIX if takeover else self._mix,
        )
        self._next_number += count
        return joined
