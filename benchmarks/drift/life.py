"""A monitored year of one operator under every rule."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.drift import rules
from benchmarks.drift.operator import TRAINING_MONTHS, Operator
from benchmarks.drift.world import FIRST, REAL, SCENARIOS, catalogue, first_changed_outcome, months
from churn_platform.months import shift
from churn_platform.portfolios.spec import Feature

PLATFORM = "this platform"
CUSTOMERS = 8_000
MONITORED_MONTHS = 12
START = TRAINING_MONTHS + 1  # the first champion is trained in the step before
STRIKES = (START + 1, START + 6)  # first and last step at which a scenario may begin

COMMON_RULES: dict[str, rules.Rule] = {
    "any KS p < 0.05": rules.any_ks,
    "Evidently's default": rules.evidently_default,
    "any PSI > 0.2": rules.any_large_psi,
    "every month": rules.every_month,
    "never": rules.never,
}


@dataclass(frozen=True)
class Life:
    """What one rule did in one operator's year; steps count from the first monitored month.

    `changed` is the step whose outcomes are the first of a changed world, None where nothing real changed.
    `profit_eur` is per customer and month, before the cost of trainings.
    """

    scenario: str
    seed: int
    rule: str
    changed: int | None
    trained: list[int]
    profit_eur: list[float]


def live(number: int, seed: int, rivals: dict[str, rules.Rule] | None = None) -> list[Life]:
    """The year of that number under each rule; the number decides the scenario, the seed all else."""
    scenario = SCENARIOS[number % len(SCENARIOS)]
    strikes = int(np.random.default_rng(seed).integers(STRIKES[0], STRIKES[1] + 1))
    first = shift(FIRST, strikes)
    count = START + MONITORED_MONTHS
    operator = Operator(
        list(months(scenario, first, customers=CUSTOMERS, count=count, seed=seed)), _catalogue(), seed=seed
    )
    late = first_changed_outcome(scenario, first) != first
    changed = strikes + late if scenario in REAL else None
    asked = (rivals or COMMON_RULES) | {PLATFORM: rules.Platform(), "oracle": rules.oracle(changed)}
    return [_follow(operator, rule, name, scenario, seed, changed) for name, rule in asked.items()]


def _follow(operator: Operator, rule: rules.Rule, name: str, scenario: str, seed: int, changed: int | None) -> Life:
    champion, trained, profit = START - 1, [], []
    for step in range(START, START + MONITORED_MONTHS):
        if rule(operator, champion, step):
            champion = step
            trained.append(step - START)
        profit.append(0.0 if step in operator.broken else operator.profit_eur(champion, step))
    return Life(scenario, seed, name, None if changed is None else changed - START, trained, profit)


@lru_cache(maxsize=1)
def _catalogue() -> tuple[Feature, ...]:
    return catalogue(Path("portfolios"))
