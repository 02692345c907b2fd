"""Why a run failed, in words: from its events, and at the head of its last one."""

from collections.abc import Iterable, Iterator

from dagster import DagsterEvent, DagsterEventType
from dagster_shared.error import SerializableErrorInfo

from churn_platform.errors import ChurnError


def cause(events: Iterable[DagsterEvent]) -> str:
    """Why a run failed: the failed step with our own error, or what a blocking check found, or else
    the innermost error.
    """
    failures = []
    checks = []
    for event in events:
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.blocking and not check.passed:
                checks.append(f"{check.asset_key.to_user_string()}: {check.description}")

        if event.is_step_failure:
            failures.append(event)

    chain = _chain(failures[0].step_failure_data.error) if failures else []
    # Dagster keeps an error as text with its class name, so the class cannot be asked itself.
    kinds = {kind.__name__ for kind in _kinds(ChurnError)}
    ours = next((error for error in chain if error.cls_name in kinds), None)
    if checks and ours is None:
        return checks[0]
    if not failures:
        return "no step; look at its log"

    words = "no error was kept"
    told = ours or (chain[-1] if chain else None)
    if told:
        words = told.message.strip().split(": ", 1)[-1]

    return f"{failures[0].step_key}: {words}"


def _kinds(error: type[ChurnError]) -> Iterator[type[ChurnError]]:
    """Every kind of an error, and kinds of these."""
    for kind in error.__subclasses__():
        yield kind
        yield from _kinds(kind)


def cause_first(events: Iterable[DagsterEvent]) -> Iterator[DagsterEvent]:
    """The events of a run, with the cause before Dagster's frames in the failure of a step.

    Dagster shows the error of the first failed step in the last event of a run. It begins with
    frames of its own, and what a person can use stands below them.
    """
    seen: list[DagsterEvent] = []
    for event in events:
        if event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            seen.append(event)

        if event.is_step_failure and event.step_failure_data.error:
            failure = event.step_failure_data
            words = cause([*seen, event])
            # No frames of its own: the whole error follows as what it was caused by.
            told = SerializableErrorInfo(f"{words}\n", [], None, failure.error)
            with_cause = failure._replace(error=told)
            event = event._replace(event_specific_data=with_cause)

        yield event


def _chain(error: SerializableErrorInfo | None) -> list[SerializableErrorInfo]:
    """An error and what caused it, outermost first."""
    found = []
    while error:
        found.append(error)
        error = error.cause
    return found
