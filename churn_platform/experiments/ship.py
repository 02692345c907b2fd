"""Makes the challenger of an experiment champion: by its decision, and only past the promotion
gates.
"""

from contextlib import closing
from typing import Any, Literal

from churn_platform.errors import ExperimentError, PromotionError
from churn_platform.experiments.decision import SHIP
from churn_platform.experiments.ladder import Progress, missing_of, troubles
from churn_platform.experiments.moves import end, running
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.experiments.state import SHIPPED, ExperimentState
from churn_platform.metrics.fairness import FairnessGap
from churn_platform.metrics.metrics import Metrics
from churn_platform.promotion.champion import changing, judgement_of, numbers, withdrawal
from churn_platform.promotion.evaluation_table import evaluations_of
from churn_platform.promotion.publication import Publisher
from churn_platform.promotion.rules import Standing, failed_gates
from churn_platform.promotion.takeover import Takeover, check_reason, take_over
from churn_platform.training.model_registry import CHAMPION, version_of
from churn_platform.warehouse.lake import connect


def ship(
    publisher: Publisher,
    spec: ExperimentSpec,
    outcome: dict[str, Any] | None,
    progress: Progress,
    *,
    reason: str,
) -> Takeover:
    """Make the challenger champion and end the experiment.

    outcome: the newest row of `experiment_outcome` or `experiment_lists`. ExperimentError if a step
    is left, or the decision is another; PromotionError if a gate fails or a rollback withdrew it.
    """
    check_reason(reason)
    state = running(publisher, spec)
    _check_end(publisher, state, outcome, progress)
    assert outcome is not None, "without an outcome there is no decision to ship"
    judged = _newest_evaluation(publisher, state.challenger)
    _check_gates(publisher, state, judged)
    with changing(publisher.client, publisher.audit, spec.portfolio):
        # Asked again under the lock: a retraining may have promoted another one since `running`.
        serving = version_of(publisher.client, spec.portfolio, CHAMPION)
        if serving != state.control:
            raise PromotionError(
                f"version {serving} became champion of {spec.portfolio} meanwhile; "
                f"`churn experiment stop {spec.name}`"
            )

        by_hand = publisher.portfolio.approval == "manual"
        details = {
            "month": judged["month"],
            "judged_against": state.control,
            "experiment": spec.name,
            "spec_sha256": spec.sha256,
            "earned": outcome["verdict"],
            **numbers(judged["evidence"]),
        }
        action: Literal["promotion", "approval"] = "approval" if by_hand else "promotion"
        taken = take_over(publisher, state.challenger, serving, action, reason, details)

    # Last: what a kill cuts short here is a champion with an experiment that can be stopped.
    end(
        publisher,
        spec,
        reason=reason,
        event=SHIPPED,
        verdict=outcome["verdict"],
    )
    return taken


def _check_end(
    publisher: Publisher,
    state: ExperimentState,
    outcome: dict[str, Any] | None,
    progress: Progress,
) -> None:
    name = state.spec.name
    now = publisher.audit.now()
    following = state.spec.step_after(state.step.name)
    if following:
        raise ExperimentError(
            f"experiment {name} has step {following.name} before it; "
            f"`churn experiment advance {name}`"
        )

    found = missing_of(
        state.step,
        progress,
        since=state.since,
        now=now,
    )
    found += troubles(state, progress, now=now)
    if outcome is None:
        found.append("no outcome has matured yet")
    elif outcome["decision"] != SHIP:
        found.append(outcome["verdict"])
    if found:
        why = "; ".join(found)
        raise ExperimentError(f"experiment {name} cannot be shipped: {why}")


def _newest_evaluation(publisher: Publisher, version: int) -> dict[str, Any]:
    portfolio = publisher.portfolio
    with closing(connect(publisher.lake, read_only=True)) as connection:
        rows = evaluations_of(connection, portfolio, version)

    if not rows:
        raise PromotionError(
            f"version {version} was never evaluated, so no gate was passed; "
            f"materialize {portfolio.name}/evaluation"
        )

    judgement = judgement_of(rows[-1])
    return {
        "month": judgement.month,
        "evidence": judgement.evidence,
    }


def _check_gates(publisher: Publisher, state: ExperimentState, judged: dict[str, Any]) -> None:
    """PromotionError if the version fails a gate: an experiment replaces the comparison with the
    champion, and nothing else.
    """
    version = state.challenger
    portfolio = publisher.portfolio
    withdrawn = withdrawal(publisher.client, portfolio.name, version)
    if withdrawn:
        raise PromotionError(f"version {version} cannot be shipped: {withdrawn}")

    standing = standing_of(judged["evidence"]["challenger"])
    failures = failed_gates(standing, portfolio.gates)
    # First: a model that is barred has figures that mean little.
    if standing.barred:
        failures.insert(0, standing.barred)
    if failures:
        failed = "; ".join(failures)
        raise PromotionError(
            f"version {version} cannot be shipped: it fails {failed}; "
            "the gates are in the portfolio's spec"
        )


def standing_of(evidence: dict[str, Any]) -> Standing:
    """What the gates look at, out of the evidence of an evaluation."""
    metrics = evidence["metrics"]
    fairness = evidence["fairness"]
    return Standing(
        metrics=Metrics(**metrics) if metrics else None,
        degenerate=evidence["degenerate"],
        barred=evidence["barred"],
        latency_ms=evidence["export"]["latency_ms"],
        fairness=FairnessGap(**fairness) if fairness else None,
    )
