"""A portfolio's experiments as the page shows them, read from the audit trail alone."""

from collections.abc import Sequence

from churn_platform.audit.audit_record import Record
from churn_platform.experiments.state import ExperimentState, started_of
from churn_platform.published.page_bundle import Rows


def experiment_rows(records: Sequence[Record], portfolio: str) -> Rows:
    """One row per experiment that was started, the newest first."""
    states = started_of(records, portfolio)
    states.sort(key=lambda state: state.started_at, reverse=True)
    return [_row(state) for state in states]


def _row(state: ExperimentState) -> dict[str, object]:
    following = state.spec.step_after(state.step.name) if state.is_running else None
    return {
        "name": state.spec.name,
        "question": state.spec.question,
        "control": state.control,
        "challenger": state.challenger,
        "status": state.status,
        "step": state.step.name,
        "weight": state.step.weight,
        "since": state.since,
        "started_at": state.started_at,
        "next_step": following.name if following else None,
        "needs_approval": bool(following and following.approval),
        # What the end was decided on, where it was; else why it was moved last.
        "decision": state.last.details.get("verdict"),
        "reason": state.last.reason,
        "by": state.last.by,
    }
