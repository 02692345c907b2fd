"""Whether an experiment may take its next step. Pure: what was seen is an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_platform.experiments.sample_ratio import MISMATCH_P_VALUE
from churn_platform.experiments.spec import Step
from churn_platform.experiments.state import PAUSED, ExperimentState


@dataclass(frozen=True)
class Progress:
    """What was seen of the present step.

    customers: that the challenger scored. answers: of the control and the challenger slice.
    ratio_p_value: of the sequential test of the split; None in shadow. two_arms, wrong_arm:
    customers who met both arms, and answers whose arm is not the one of the hash. last_answer_at:
    of either slice. alarms: what a guardrail or a signal says.
    """

    customers: int = 0
    answers: tuple[int, int] = (0, 0)
    ratio_p_value: float | None = None
    two_arms: int = 0
    wrong_arm: int = 0
    last_answer_at: datetime | None = None
    alarms: tuple[str, ...] = ()


def obstacles(
    state: ExperimentState, progress: Progress, *, now: datetime, approves: bool
) -> list[str]:
    """Why the next step must not begin yet, a sentence each; none if it may.

    Nothing is waived: a step is as long as its spec says, however good it looks, and an approval is
    given for one step.
    """
    found = []
    step = state.step
    if state.status == PAUSED:
        found.append(f"it is paused ({state.last.reason}); `churn experiment resume` ends that")

    found += missing_of(
        step,
        progress,
        since=state.since,
        now=now,
    )
    found += troubles(state, progress, now=now)
    following = state.spec.step_after(step.name)
    if following is None:
        return found

    if following.approval and not approves:
        found.append(f"step {following.name} needs an approval; look at it, then add --approve")

    return found


def missing_of(step: Step, progress: Progress, *, since: datetime, now: datetime) -> list[str]:
    """What the step's least hours and customers lack."""
    found = []
    hours = (now - since) / timedelta(hours=1)
    least_hours = step.least_hours
    if hours < least_hours:
        found.append(f"step {step.name} has lasted {hours:.1f} of {least_hours:g} hours")

    customers = progress.customers
    least_customers = step.least_customers
    if customers < least_customers:
        found.append(f"the challenger has scored {customers:,} of {least_customers:,} customers")

    return found


def troubles(state: ExperimentState, progress: Progress, *, now: datetime) -> list[str]:
    """What speaks against the figures, or the challenger, whatever the step lacks."""
    found = list(progress.alarms)
    if _is_mismatch(progress):
        control, challenger = progress.answers
        p_value = progress.ratio_p_value
        found.append(
            f"customers are not split as planned (sample ratio mismatch, p = {p_value:.1g}): "
            f"{control:,} control, {challenger:,} challenger"
        )

    if progress.two_arms:
        found.append(f"{progress.two_arms:,} customers met both arms")
    if progress.wrong_arm:
        found.append(f"{progress.wrong_arm:,} answers came from another arm than the hash says")
    if _is_silent(state, progress, now):
        hours = state.spec.no_traffic.hours
        found.append(f"no answer in either slice for {hours:g} hours")

    return found


def response(state: ExperimentState, progress: Progress, *, now: datetime) -> str | None:
    """What the spec says to do about the troubles: pause, stop, or None if there are none."""
    spec = state.spec
    found: set[str] = set()
    # A customer in the wrong arm has the same causes as a mismatch, and the same remedy.
    if _is_mismatch(progress) or progress.two_arms or progress.wrong_arm:
        found.add(spec.sample_ratio_mismatch)
    if _is_silent(state, progress, now):
        found.add(spec.no_traffic.response)
    # A guardrail has dropped the challenger by itself; what else it means, a person decides.
    if progress.alarms:
        found.add("pause")

    # The stricter one: a stop also does what a pause is there for.
    if "stop" in found:
        return "stop"
    return "pause" if found else None


def _is_mismatch(progress: Progress) -> bool:
    p_value = progress.ratio_p_value
    return p_value is not None and p_value < MISMATCH_P_VALUE


def _is_silent(state: ExperimentState, progress: Progress, now: datetime) -> bool:
    # In shadow there are no slices that could fall silent.
    if not state.step.weight:
        return False

    # Silence counts from the beginning of the step: before it there was another split.
    last = state.since
    if progress.last_answer_at:
        last = max(last, progress.last_answer_at)
    silence = now - last
    return silence > timedelta(hours=state.spec.no_traffic.hours)
