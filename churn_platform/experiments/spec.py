"""The typed shape of an experiment's YAML file: what is asked, of whom, in which steps, and what
ends it.
"""

import hashlib
from typing import Literal, get_args

import msgspec
from pydantic import Field, model_validator

from churn_platform.portfolios.spec import Algorithm
from churn_platform.portfolios.strict_model import SpecModel
from churn_platform.published.experiment import GUARDRAILS, NAME, Limits

CURRENT: Literal["champion"] = "champion"
Named = int | Literal["champion"] | Algorithm
"""A version: by its number, the champion of the start, or the newest of an algorithm."""
Metric = Literal["auc", "profit_eur", "list_profit_eur"]
Response = Literal["pause", "stop"]
SHADOW_ONLY = 0.0


class Versions(SpecModel):
    """The two versions; numbers are looked up when the experiment starts, and stay."""

    control: Named = Field(
        CURRENT, description="Who answers today: a number, `champion`, or an algorithm."
    )
    challenger: Named = Field(description="The version on trial: a number, or an algorithm.")

    @model_validator(mode="after")
    def _differ(self):
        if self.control == self.challenger or self.challenger == CURRENT:
            raise ValueError(f"control and challenger are both {self.challenger!r}")
        return self


class Step(SpecModel):
    """One step of the ladder, and the least that must have been seen before the next one."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")
    weight: float = Field(ge=0, lt=1, description="Share of the customers; 0: scores in shadow.")
    least_hours: float = Field(24, ge=0, description="Hours before the next step.")
    least_customers: int = Field(
        0, ge=0, description="Customers that the challenger has scored before the next step."
    )
    approval: bool = Field(False, description="Whether a person must approve that it begins.")


class WatchedLimits(SpecModel):
    """How far the challenger's slice may be off the control slice; what is left out is not
    watched.
    """

    error_rate: float | None = Field(None, gt=0, description="Share of requests without an answer.")
    p99_latency_ms: float | None = Field(
        None,
        gt=0,
        description="As slow as the challenger's p99 may be, where the control's is not.",
    )
    score_mean_shift: float | None = Field(
        None, gt=0, description="Mean churn probability, up or down."
    )
    decision_shift: float | None = Field(
        None, gt=0, description="Share predicted to churn, up or down."
    )
    same_scores: float | None = Field(
        None, gt=0, description="Share of customers with the score of the customer before."
    )
    base_rate_answers: float | None = Field(
        None, gt=0, description="Share of answers that are the base rate."
    )
    missing_features: float | None = Field(
        None, gt=0, description="Mean share of features that no one told."
    )

    def published(self) -> Limits:
        """The limits as the service reads them."""
        return Limits(**self.model_dump())


class Criteria(SpecModel):
    """By what the experiment ends."""

    ship: Literal["better", "not_worse"] = Field(
        "better",
        description=(
            "better: a bound is crossed in the challenger's favour. not_worse: the interval, which "
            "holds at every look, is above minus the smallest effect."
        ),
    )
    futility: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description=(
            "Stop where the chance to ship by the last month, if the smallest effect were true, "
            "has fallen below this."
        ),
    )


class NoTraffic(SpecModel):
    """What is done when a slice gets no answers."""

    hours: float = Field(24, gt=0, description="Hours without an answer in either slice.")
    response: Response = "pause"


class ExperimentSpec(SpecModel):
    """One question about two versions of a portfolio."""

    name: str = Field(pattern=NAME.pattern)
    portfolio: str
    question: str
    hypothesis: str
    versions: Versions
    unit: Literal["customer"] = "customer"
    primary_metric: Metric = Field(
        "auc",
        description=(
            "auc and profit_eur (per customer) compare both scores of everybody; list_profit_eur "
            "(per customer drawn) compares two lists where they differ."
        ),
    )
    smallest_effect: float = Field(
        gt=0, description="Smallest effect worth having, in the metric's unit."
    )
    alpha: float = Field(0.05, gt=0, le=0.2, description="Highest rate of false alarms, two-sided.")
    power: float = Field(
        0.8, ge=0.5, lt=1, description="Chance to find the smallest effect if it is true."
    )
    most_months: int = Field(ge=1, le=24, description="Months of outcomes after which it ends.")
    steps: tuple[Step, ...] = Field(min_length=1)
    lists: bool = Field(
        False,
        description="Whether customers on whom the two lists differ are drawn to one of them.",
    )
    guardrails: WatchedLimits = Field(
        WatchedLimits.model_validate(msgspec.structs.asdict(GUARDRAILS)),
        description="Beyond one of them the service drops the challenger within seconds.",
    )
    signals: WatchedLimits = Field(
        WatchedLimits(), description="Beyond one of them the experiment pauses and tells."
    )
    sample_ratio_mismatch: Response = Field(
        "pause",
        description="What is done where customers are not split as planned (p < 0.001).",
    )
    no_traffic: NoTraffic = NoTraffic()
    criteria: Criteria = Criteria()

    @model_validator(mode="after")
    def _ladder_rises(self):
        weights = [step.weight for step in self.steps]
        # Records, tables and commands know a step by its name alone.
        if len(set(self._step_names)) != len(weights):
            raise ValueError("steps: a name is listed twice")

        # No customer meets a version whose answers were never seen.
        first = self.steps[0]
        if first.weight != SHADOW_ONLY:
            raise ValueError(
                f"steps: the first, {first.name}, has weight {first.weight:g}; begin at 0"
            )
        # A slice that shrank would hand customers back, and they would have met both arms.
        if sorted(weights) != weights:
            raise ValueError(f"steps: weights {weights} fall; each must be at least the one before")
        return self

    @model_validator(mode="after")
    def _metric_is_measured(self):
        if self.primary_metric == "list_profit_eur" and not self.lists:
            raise ValueError("primary_metric: list_profit_eur needs `lists: true`")
        return self

    @property
    def sha256(self) -> str:
        """Hash of everything that is asked; two specs that ask the same have the same."""
        content = msgspec.json.encode(self.model_dump(mode="json"), order="deterministic")
        return hashlib.sha256(content).hexdigest()

    def step(self, name: str) -> Step:
        """The step of that name; KeyError if there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def step_after(self, name: str) -> Step | None:
        """The step behind the one of that name; None behind the last."""
        following = self._step_names.index(name) + 1
        if following == len(self.steps):
            return None
        return self.steps[following]

    @property
    def _step_names(self) -> list[str]:
        return [step.name for step in self.steps]


METRICS: tuple[str, ...] = get_args(Metric)
