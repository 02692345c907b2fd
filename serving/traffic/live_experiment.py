"""The experiment that is live, as `GET /ab-test/stats` shows it: its arms and how they stand with
its limits.
"""

from typing import Annotated

import msgspec

from churn_platform.published.experiment import CONTROL, GUARDRAIL, SIGNAL, TREATED, LiveExperiment
from serving.answer.answers import about
from serving.registry import ServedPortfolio
from serving.traffic.arm_counts import ArmCounts
from serving.traffic.guardrails import Judgement, judge


class LiveArm(msgspec.Struct, kw_only=True):
    """One arm over all worker processes of the host, since the experiment started."""

    arm: Annotated[str, about("`challenger` or `control`.")]
    model_version: Annotated[int, about("Its version.")]
    weight: Annotated[float, about("Share of the customers that are dealt to it.", ge=0, le=1)]
    answers: Annotated[
        int, about("How many it answered; in shadow, how many it scored and the champion answered.")
    ]
    errors: Annotated[int, about("How many it could not answer.")]


class LimitView(msgspec.Struct, kw_only=True):
    """How far the challenger's arm is off the control's in one watched figure."""

    kind: Annotated[
        str, about("`guardrail` (drops the challenger) or `signal` (asks for a pause).")
    ]
    watched: Annotated[str, about("What is compared.")]
    limit: Annotated[float, about("As the experiment names it.")]
    allowed: Annotated[float, about("Highest difference; for p99 a share of slower answers.")]
    difference: Annotated[
        float | None,
        about("The challenger's figure minus the control's; null before there is enough."),
    ]
    at_least: Annotated[
        float | None, about("What it is off by at the least, however often one looks.")
    ]
    is_breached: Annotated[bool, about("Whether the least is above what is allowed.")]


class ExperimentView(msgspec.Struct, kw_only=True):
    """The experiment in live.json as this host sees it."""

    name: Annotated[str, about("Its name.")]
    start_id: Annotated[str, about("This start of it, as in the prediction log.")]
    question: Annotated[str, about("What it asks.")]
    step: Annotated[str, about("Step of its ladder.")]
    in_shadow: Annotated[bool, about("Whether the challenger scores without answering.")]
    is_paused: Annotated[bool, about("Whether no step is to follow.")]
    arms: Annotated[list[LiveArm], about("Challenger and control.")]
    limits: Annotated[list[LimitView], about("Guardrails, then signals.")]
    dropped: Annotated[
        str | None, about("Why this host gives the challenger no traffic; null while it does.")
    ]


def live_experiment(portfolio: ServedPortfolio, counts: ArmCounts) -> ExperimentView:
    """The portfolio's experiment; there must be one."""
    experiment = portfolio.experiment
    assert experiment is not None, "asked for without an experiment"
    treated = counts.total(TREATED)
    control = counts.total(CONTROL)
    limits = []
    for kind in (GUARDRAIL, SIGNAL):
        for judged in judge(experiment, kind, treated, control):
            limits.append(_limit(kind, judged))

    return ExperimentView(
        name=experiment.name,
        start_id=experiment.start_id,
        question=experiment.question,
        step=experiment.step,
        in_shadow=experiment.is_shadow,
        is_paused=experiment.is_paused,
        arms=_arms(experiment, counts),
        limits=limits,
        dropped=str(portfolio.dropped) if portfolio.dropped else None,
    )


def _arms(experiment: LiveExperiment, counts: ArmCounts) -> list[LiveArm]:
    arms = []
    for arm in (experiment.challenger, experiment.control):
        total = counts.total(arm.arm)
        shown = LiveArm(
            arm=arm.arm,
            model_version=arm.version,
            weight=arm.weight,
            answers=round(total.answers),
            errors=round(total.errors),
        )
        arms.append(shown)

    return arms


def _limit(kind: str, judged: Judgement) -> LimitView:
    watched = judged.watched
    return LimitView(
        kind=kind,
        watched=watched.name,
        limit=watched.limit,
        allowed=watched.allowed,
        difference=judged.difference,
        at_least=judged.at_least,
        is_breached=judged.is_breach,
    )
