"""How far an experiment has come: read from the audit trail, which is all there is to read.

A command records what it does before it does it. So a restart, another host and an auditor see the
same state, and what a kill cut short can be completed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from churn_platform.audit.audit_record import Record
from churn_platform.experiments.spec import ExperimentSpec, Step
from churn_platform.published.experiment import LiveExperiment, two_arms

ACTION: Literal["experiment"] = "experiment"
STARTED, ADVANCED, PAUSED, RESUMED = "started", "advanced", "paused", "resumed"
STOPPED, DROPPED, SHIPPED = "stopped", "dropped", "shipped"
ENDS = (STOPPED, DROPPED, SHIPPED)


@dataclass(frozen=True)
class ExperimentState:
    """An experiment that was started, as its records leave it.

    status: running, paused, stopped, dropped or shipped. since: when the present step began.
    approved: steps whose beginning a person approved.
    """

    spec: ExperimentSpec
    control: int
    challenger: int
    salt: str
    step: Step
    since: datetime
    started_at: datetime
    status: str
    approved: tuple[str, ...]
    last: Record

    @property
    def is_running(self) -> bool:
        """Whether customers are assigned by it now, paused or not."""
        return self.status not in ENDS

    @property
    def live(self) -> LiveExperiment:
        """The experiment as the service is to see it."""
        spec = self.spec
        arms = two_arms(champion=self.control, challenger=self.challenger, weight=self.step.weight)
        return LiveExperiment(
            name=spec.name,
            spec_hash=spec.sha256,
            salt=self.salt,
            question=spec.question,
            step=self.step.name,
            arms=arms,
            is_shadow=self.step.weight == 0,
            guardrails=spec.guardrails.published(),
            signals=spec.signals.published(),
            false_alarms=spec.alpha,
            is_paused=self.status == PAUSED,
        )


def subject_of(name: str) -> str:
    """How the trail names an experiment."""
    return f"experiment {name}"


def history_of(records: Iterable[Record], name: str) -> list[Record]:
    """Every record of an experiment, oldest first."""
    subject = subject_of(name)
    return [it for it in records if it.action == ACTION and it.subject == subject]


def read_state(records: Iterable[Record], name: str) -> ExperimentState | None:
    """The state of an experiment; None if it was never started."""
    return state_after(history_of(records, name))


def started_of(records: Iterable[Record], portfolio: str) -> list[ExperimentState]:
    """The experiments of a portfolio that were ever started, in the order of their starts."""
    # A dictionary keeps the order in which subjects first came, which is that of the starts.
    histories: dict[str, list[Record]] = {}
    for record in records:
        is_own = record.portfolio == portfolio
        if is_own and record.action == ACTION:
            history = histories.setdefault(record.subject, [])
            history.append(record)

    states = []
    for history in histories.values():
        state = state_after(history)
        if state:
            states.append(state)
    return states


def running_of(records: Iterable[Record], portfolio: str) -> list[ExperimentState]:
    """Those of them that have not ended."""
    return [state for state in started_of(records, portfolio) if state.is_running]


def state_after(history: list[Record]) -> ExperimentState | None:
    """The state that an experiment's own records leave, oldest first."""
    if not history:
        return None

    first = history[0]
    details = first.details
    # The spec as it was frozen; the file may have changed since.
    spec = ExperimentSpec.model_validate(details["spec"])
    step, since = spec.steps[0], first.at
    approved = []
    status = "running"
    for record in history[1:]:
        event = record.details["event"]
        if event == ADVANCED:
            step, since = spec.step(record.details["step"]), record.at
            if record.details["approved"]:
                approved.append(step.name)
        elif event == PAUSED:
            status = PAUSED
        elif event == RESUMED:
            status = "running"
        elif event in ENDS:
            status = event

    return ExperimentState(
        spec=spec,
        control=details["control"],
        challenger=details["challenger"],
        salt=details["salt"],
        step=step,
        since=since,
        started_at=first.at,
        status=status,
        approved=tuple(approved),
        last=history[-1],
    )


def event_details(event: str, **more: Any) -> dict[str, Any]:
    """The details of a record: what happened, and with what."""
    return {"event": event, **more}
