"""A monitored year of one operator under every rule."""

from dataclasses import dataclass

import numpy as np

from benchmarks.drift import rules
from benchmarks.drift.operator import Operator
from benchmarks.drift.world import FIRST, REAL, SCENARIOS, first_changed_outcome, months, telecomit
from churn_platform.months import shift

PLATFORM = "this platform"
CUSTOMERS = 8_000
MONITORED_MONTHS = 12
STRIKES = (1, 6)  # first and last monitored month in which a scenario may begin

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

    `changed` is the step whose outcomes are the first of a changed world, None where nothing real
    changed. `causes` says what asked for each training. `profit_eur` is per customer and month,
    before the cost of trainings.
    """

    scenario: str
    seed: int
    rule: str
    changed: int | None
    trained: list[int]
    causes: list[str]
    profit_eur: list[float]


def live(number: int, seed: int, rivals: dict[str, rules.Rule] | None = None) -> list[Life]:
    """The year of that number under each rule; the number decides the scenario,
    the seed all else.
    """
    scenario = SCENARIOS[number % len(SCENARIOS)]
    start = (
        telecomit().split.training_months + 3
    )  # the first champion is trained in the step before
    strikes = start + int(np.random.default_rng(seed).integers(STRIKES[0], STRIKES[1] + 1))
    first = shift(FIRST, strikes)
    simulated = months(
        scenario, first, customers=CUSTOMERS, count=start + MONITORED_MONTHS, seed=seed
    )
    operator = Operator(list(simulated), seed=seed)
    late = first_changed_outcome(scenario, first) != first
    changed = strikes + late if scenario in REAL else None
    asked = (rivals or COMMON_RULES) | {PLATFORM: rules.Platform(), "oracle": rules.oracle(changed)}
    return [
        Life(
            scenario,
            seed,
            name,
            None if changed is None else changed - start,
            *_follow(operator, rule, start),
        )
        for name, rule in asked.items()
    ]


def _follow(
    operator: Operator, rule: rules.Rule, start: int
) -> tuple[list[int], list[str], list[float]]:
    """The trainings that a rule asks for, what for, and each month's profit; the model of start - 1
    serves first.
    """
    champion, trained, causes, profit = start - 1, [], [], []
    for step in range(start, start + MONITORED_MONTHS):
        if cause := rule(operator, champion, step):
            trained.append(step - start)
            causes.append(cause)
            champion = step if operator.is_promoted(step, champion) else champion
        profit.append(0.0 if step in operator.broken else operator.profit_eur(champion, step))
    return trained, causes, profit
