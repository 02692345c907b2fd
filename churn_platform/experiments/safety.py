"""Whether the challenger is safe, by what the service logged: each figure of its slice against the
control slice, with a bound that holds however often it is read.
"""

from datetime import datetime
from typing import Any

import duckdb
import numpy as np

from churn_platform.experiments.ladder import Progress
from churn_platform.experiments.sample_ratio import MISMATCH_P_VALUE, sequential_p_value
from churn_platform.experiments.state import ExperimentState
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.assignment import arm_at, places
from churn_platform.published.confidence_sequence import Sums, difference_at_least
from churn_platform.published.experiment import CONTROL, TREATED
from churn_platform.serving_log.log_ingestion import log_table
from churn_platform.sql import literal
from churn_platform.warehouse.tables import read_columns, table_exists

NAME = "experiment_safety"
COLUMNS = {
    "month": "date",
    "experiment": "varchar",
    "step": "varchar",
    "watched": "varchar",
    "control": "double",
    "challenger": "double",
    "difference": "double",
    "at_least": "double",
    "allowed": "double",
    "is_harm": "boolean",
    "verdict": "varchar",
}
PREDICTED_TO_CHURN = ("critical", "high")
DEVIATION = 0.5  # of one value more: answers without an error do not prove that there are none
SLOW_SHARE = 0.01
PLANNED_ANSWERS = 10_000  # at which bounds are nearest; harm worth a step back shows by then
Row = dict[str, Any]
Watched = dict[str, tuple[Sums, Sums]]
"""A figure's values in the control slice and in the challenger's."""


def find_safety(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    *,
    until: datetime,
    base_rate: float | None = None,
) -> list[Row]:
    """A row per figure of the present step, from its beginning to `until`, then one on the split.

    None if nobody was answered. base_rate: the challenger's, an answer of which is no score; None
    leaves that figure out.
    """
    if not _has_answers(connection, portfolio):
        return []

    watched = _read_watched(
        connection,
        portfolio,
        state,
        until=until,
        base_rate=base_rate,
    )
    about = {
        "experiment": state.spec.name,
        "step": state.step.name,
    }
    limits = state.live.guardrails
    rows = []
    for name, (control, treated) in watched.items():
        # Of a p99, one answer in a hundred may be slower: the figure is the share of slow answers.
        allowed = SLOW_SHARE if name == "p99_latency_ms" else getattr(limits, name)
        is_answered = control.count and treated.count
        if allowed is not None and is_answered:
            judged = _judged(state, name, control, treated, allowed)
            rows.append(about | judged)

    # In shadow there is no split that could be off.
    if rows and state.step.weight:
        split = read_split(connection, portfolio, state, until=until)
        for row in _split_rows(split):
            rows.append(about | row)

    return rows


def read_progress(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    *,
    until: datetime,
    alarms: tuple[str, ...] = (),
) -> Progress:
    """What was seen of the present step, up to `until`."""
    if not _has_answers(connection, portfolio):
        return Progress(customers=_scored(connection, portfolio, state), alarms=alarms)

    window = _window(state, until)
    row = connection.execute(
        f"""
        select
            count(distinct customer_id) filter (model_version = {state.challenger}),
            max(predicted_at) filter (experiment_arm is not null),
        from {log_table(portfolio.name)}
        where {window}
        """
    ).fetchone()
    assert row is not None, "an aggregate has a row"
    customers, last = row
    # In shadow a challenger is also scored by month, of customers who never ask the service.
    if not state.step.weight:
        customers = max(customers, _scored(connection, portfolio, state))
    split = read_split(connection, portfolio, state, until=until)
    return Progress(
        customers=customers,
        last_answer_at=last.replace(tzinfo=until.tzinfo) if last else None,
        alarms=alarms,
        **split,
    )


def read_split(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    *,
    until: datetime,
) -> dict[str, Any]:
    """Customers by arm in the present step: how many, whether that is as planned, and who met
    another arm than the hash says. Keys are fields of `Progress`.
    """
    if not state.step.weight:
        return {}

    found = connection.execute(
        f"""
        select distinct customer_id, experiment_arm as arm
        from {log_table(portfolio.name)}
        where {_window(state, until)} and experiment_arm is not null and customer_id is not null
        order by customer_id, arm
        """
    ).fetchnumpy()
    ids = np.asarray(found["customer_id"], dtype=object)
    arms = np.asarray(found["arm"], dtype=object)
    live = state.live
    control_weight = live.control.weight
    challenger_weight = live.challenger.weight
    wrong_arm = 0
    # Drawn again from the hash alone, so a service that drew otherwise is found out.
    for place, arm in zip(places(ids, state.salt), arms, strict=True):
        due = arm_at(
            place,
            challenger_weight=challenger_weight,
            control_weight=control_weight,
        )
        wrong_arm += arm != due

    counts = (int((arms == CONTROL).sum()), int((arms == TREATED).sum()))
    # Most customers are in neither slice, so it is the shares of both together that are planned.
    both = control_weight + challenger_weight
    shares = (control_weight / both, challenger_weight / both)
    return {
        "answers": counts,
        "ratio_p_value": sequential_p_value(counts, shares),
        "two_arms": len(ids) - len(set(ids)),
        "wrong_arm": wrong_arm,
    }


def read_days(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    *,
    until: datetime,
) -> tuple[list[str], list[float]]:
    """The challenger's share of both slices' customers, day by day of the present step."""
    if not _has_answers(connection, portfolio):
        return [], []

    rows = connection.execute(
        f"""
        select
            strftime(predicted_at, '%m-%d') as day,
            count(distinct customer_id) filter (experiment_arm = '{TREATED}')
                / count(distinct customer_id) as share,
        from {log_table(portfolio.name)}
        where {_window(state, until)} and experiment_arm is not null and customer_id is not null
        group by day
        order by day
        """
    ).fetchall()
    days, shares = [], []
    for day, share in rows:
        days.append(day)
        shares.append(share)
    return days, shares


def _has_answers(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> bool:
    table = log_table(portfolio.name)
    # A log from before experiments were in it has no column for them.
    return table_exists(connection, table) and "experiment" in read_columns(connection, table)


def _scored(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, state: ExperimentState
) -> int:
    """Customers that the challenger has scored by month, in shadow."""
    table = f"{portfolio.name}.experiment_scores"
    if not table_exists(connection, table):
        return 0

    query = f"select count(distinct customer_id) from {table} where experiment = ? and arm = ?"
    arm_of = [state.spec.name, TREATED]
    row = connection.execute(query, arm_of).fetchone()
    assert row is not None, "an aggregate has a row"
    customers: int = row[0]
    return customers


def _window(state: ExperimentState, until: datetime) -> str:
    """SQL for the answers of the present step. Times in the log are UTC without a zone."""
    since = state.since.replace(tzinfo=None)
    end = until.replace(tzinfo=None)
    return (
        f"experiment = '{state.live.start_id}' and predicted_at >= timestamp '{since}' "
        f"and predicted_at < timestamp '{end}'"
    )


def _read_watched(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    *,
    until: datetime,
    base_rate: float | None,
) -> Watched:
    """The sums of each figure, by arm.

    Sums are of decimals: those of floats would depend on the order in which segments came.
    """
    slow_ms = state.live.guardrails.p99_latency_ms
    tiers = ", ".join(map(literal, PREDICTED_TO_CHURN))
    values = {
        "score_mean_shift": "churn_probability",
        "decision_shift": f"(risk_tier in ({tiers}))::int",
        "same_scores": "(churn_probability = score_before and customer_id <> id_before)::int",
        "missing_features": "len(missing_features) / greatest(len(features), 1)",
    }
    # A share of slow answers adds up over segments; a percentile does not.
    if slow_ms is not None:
        values["p99_latency_ms"] = f"(latency_ms > {slow_ms})::int"
    if base_rate is not None:
        values["base_rate_answers"] = f"(abs(churn_probability - {base_rate!r}) < 1e-9)::int"

    selected = []
    for name, value in values.items():
        selected.append(f"sum(coalesce({value}, 0)::decimal(18, 9)) as {name}")
        selected.append(f"sum((coalesce({value}, 0) ** 2)::decimal(18, 9)) as {name}_squares")

    found = connection.execute(
        f"""
        with answers as (
            select
                *,
                {_arm(state)} as slice
            from {log_table(portfolio.name)}
            where {_window(state, until)}
        ),
        ordered as (
            select
                *,
                lag(churn_probability) over earlier as score_before,
                lag(customer_id) over earlier as id_before,
            from answers
            where slice is not null
            window earlier as (partition by slice order by predicted_at, request_id, item)
        )
        select slice, count(*) as answers, {", ".join(selected)}
        from ordered
        group by slice
        """
    ).fetchall()
    by_arm: dict[str, tuple[Any, ...]] = {}
    for arm, *sums in found:
        by_arm[arm] = tuple(sums)

    watched: Watched = {}
    for place, name in enumerate(values):
        control = _sums(by_arm.get(CONTROL), place)
        treated = _sums(by_arm.get(TREATED), place)
        watched[name] = control, treated
    return watched


def _arm(state: ExperimentState) -> str:
    """SQL for the slice of an answer; in shadow the champion's answers are the control."""
    if state.step.weight:
        return "experiment_arm"
    return (
        f"case model_version when {state.control} then '{CONTROL}' "
        f"when {state.challenger} then '{TREATED}' end"
    )


def _sums(row: tuple[Any, ...] | None, place: int) -> Sums:
    # A slice without an answer has no row.
    if row is None:
        return Sums()

    # The count of answers, then two sums of each figure.
    answers, *sums = row
    first = 2 * place
    total = sums[first]
    squares = sums[first + 1]
    return Sums(
        float(answers),
        float(total),
        float(squares),
    )


def _judged(state: ExperimentState, name: str, control: Sums, treated: Sums, allowed: float) -> Row:
    """One figure: by how much it is off at the least, and whether that is beyond its limit."""
    alpha = state.spec.alpha
    difference = treated.mean - control.mean
    sides = [(treated, control)]
    if name in ("score_mean_shift", "decision_shift"):
        # Up and down are both a shift, so each has half of the error.
        sides, alpha = [(treated, control), (control, treated)], alpha / 2

    bounds = []
    for first, second in sides:
        bound = difference_at_least(
            first,
            second,
            planned=PLANNED_ANSWERS,
            alpha=alpha,
            deviation=DEVIATION,
        )
        bounds.append(bound)
    at_least = max(bounds)
    is_harm = at_least > allowed
    said = "beyond its limit" if is_harm else "within its limit, as far as is known"
    return {
        "watched": name,
        "control": control.mean,
        "challenger": treated.mean,
        "difference": difference,
        "at_least": at_least,
        "allowed": allowed,
        "is_harm": is_harm,
        "verdict": f"{said}: off by {difference:+.4g}, {allowed:g} is allowed",
    }


def _split_rows(split: dict[str, Any]) -> list[Row]:
    control, challenger = split["answers"]
    p_value = split["ratio_p_value"]
    strays = split["two_arms"] + split["wrong_arm"]
    common: Row = {
        "control": float(control),
        "challenger": float(challenger),
        "difference": float(challenger - control),
    }
    ratio = {
        "watched": "sample_ratio",
        "at_least": p_value,
        "allowed": MISMATCH_P_VALUE,
        "is_harm": p_value < MISMATCH_P_VALUE,
        "verdict": f"p = {p_value:.2g} that customers are split as planned",
    }
    arms = {
        "watched": "stray_customers",
        "at_least": float(strays),
        "allowed": 0.0,
        "is_harm": strays > 0,
        "verdict": (
            f"{split['two_arms']:,} customers met both arms, {split['wrong_arm']:,} another arm "
            "than the hash says"
        ),
    }
    return [common | ratio, common | arms]
