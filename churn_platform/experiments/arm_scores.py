"""Both versions' scores of every customer of a month, made while nobody knows the outcomes."""

from collections.abc import Callable
from datetime import date

import duckdb
import pyarrow as pa

from churn_platform.experiments.state import ExperimentState
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.experiment import CONTROL, TREATED
from churn_platform.scoring.score import SCORE_COLUMNS
from churn_platform.sql import literal
from churn_platform.warehouse.tables import delete_month, ensure_table, table_exists

NAME = "experiment_scores"
COLUMNS = {"month": "date", "experiment": "varchar", "arm": "varchar"} | SCORE_COLUMNS
Scorer = Callable[[int], pa.Table]
"""The scores of the month by a version, in SCORE_COLUMNS."""


def concerns(state: ExperimentState, portfolio: Portfolio, month: date) -> bool:
    """Whether a month of features belongs to the experiment: its outcomes came after the start.

    Of a snapshot, features and outcome are of the same file. There the customers that a version was
    fitted on are left out instead.
    """
    if portfolio.kind == "snapshot":
        return True
    # A month whose outcomes were known at the start may have been looked at before the question.
    outcomes = shift(month, 1 + portfolio.label.gap_months)
    return outcomes >= state.started_at.date().replace(day=1)


def replace_arm_scores(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
    score: Scorer,
) -> int:
    """Put both versions' scores of a month in place of those before, of this experiment alone;
    returns the number of customers. To be called in a transaction.
    """
    table = f"{portfolio.name}.{NAME}"
    ensure_table(connection, table, COLUMNS)
    name = state.spec.name
    delete_month(connection, table, month, f"experiment = {literal(name)}")
    counted = 0
    versions = {CONTROL: state.control, TREATED: state.challenger}
    for arm, version in versions.items():
        # What customers were in fact scored with counts, not what the model would say today.
        scores = served_by(connection, portfolio, month, version)
        if scores is None:
            scores = score(version)

        counted = len(scores)
        connection.register("arm_scores", scores)
        connection.execute(
            f"insert into {table} by name select *, ? as experiment, ? as arm from arm_scores",
            [name, arm],
        )
        connection.unregister("arm_scores")

    return counted


def served_by(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, version: int
) -> pa.Table | None:
    """The month's scores as they were served, if this version made them all; None if not."""
    table = f"{portfolio.name}.monthly_scores"
    if not table_exists(connection, table):
        return None

    # Of a month with scores of two versions, neither has all of the customers.
    others = f"select 1 from {table} where month = ? and model_version <> ? limit 1"
    is_mixed = connection.execute(others, [month, version]).fetchone()
    if is_mixed:
        return None

    columns = ", ".join(SCORE_COLUMNS)
    query = f"select {columns} from {table} where month = ? order by customer_id"
    found = connection.execute(query, [month]).to_arrow_table()
    return found if len(found) else None
