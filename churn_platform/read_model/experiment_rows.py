"""A portfolio's experiments as the page shows them: by the audit trail, and by what their outcomes
say so far.
"""

from collections.abc import Sequence
from typing import Any

import duckdb

from churn_platform.audit.audit_record import Record
from churn_platform.experiments.outcome import newest_outcome, table_of
from churn_platform.experiments.state import ExperimentState, started_of
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.page_bundle import Rows


def experiment_rows(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, records: Sequence[Record]
) -> Rows:
    """One row per experiment that was started, the newest first."""
    states = started_of(records, portfolio.name)
    states.sort(key=lambda state: state.started_at, reverse=True)

    rows = []
    for state in states:
        table = f"{portfolio.name}.{table_of(state.spec)}"
        outcome = newest_outcome(connection, table, state)
        rows.append(_row(state, outcome or {}))
    return rows


def _row(state: ExperimentState, outcome: dict[str, Any]) -> dict[str, object]:
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
        # What the end was decided on, where it was; else what the outcomes say so far.
        "decision": state.last.details.get("verdict") or outcome.get("verdict"),
        "reason": state.last.reason,
        "by": state.last.by,
    }
