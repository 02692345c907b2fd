"""Which of two contact lists earns more: the draw of a month, and what came of it."""

from datetime import date

import duckdb
import numpy as np
import pyarrow as pa

from churn_platform.campaign import list_draw
from churn_platform.campaign.contact_list import list_sql
from churn_platform.campaign.randomised import campaign_tables
from churn_platform.campaign.value import value_sql
from churn_platform.experiments.drawn_lists import EVEN, Drawn, list_difference
from churn_platform.experiments.outcome import (
    DECIDED,
    LISTS,
    Row,
    decided,
    difference_row,
    distrusted,
    earlier_months,
    month_result,
)
from churn_platform.experiments.sample_ratio import MISMATCH_P_VALUE, monthly_p_value
from churn_platform.experiments.state import ExperimentState
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.assignment import places
from churn_platform.published.experiment import CONTROL, TREATED
from churn_platform.sql import literal
from churn_platform.warehouse.tables import delete_month, ensure_table, table_exists

COLUMNS = {
    "month": "date",
    "experiment": "varchar",
    "spec_sha256": "varchar",
    "control_version": "integer",
    "challenger_version": "integer",
    "drawn": "bigint",
    "drawn_to_control": "bigint",
    "drawn_to_challenger": "bigint",
    "contacted_control": "bigint",
    "contacted_challenger": "bigint",
    "control_net_eur": "double",
    "challenger_net_eur": "double",
    "mismatch_p_value": "double",
    "difference": "double",
    "difference_variance": "double",
    "distrust": "varchar",
} | DECIDED


def draws(state: ExperimentState) -> bool:
    """Whether the experiment draws lists now: in shadow the challenger changes nothing."""
    return state.spec.lists and state.is_running and state.step.weight > 0


def replace_draw(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
) -> int:
    """Draw the customers who are on one list alone to a list; returns their number. To be called
    in a transaction, before the list is made, and not for a list that was handed over.

    Half of them go to each, by the hash that also splits the traffic: who is answered by the
    challenger in a slice is drawn to its list.
    """
    table = f"{portfolio.name}.{list_draw.NAME}"
    ensure_table(connection, table, list_draw.COLUMNS)
    delete_month(connection, table, month)
    found = connection.execute(
        f"""
        with control as (
            select customer_id, true as on_control
            from ({_list(connection, portfolio, state, month, CONTROL)})
        ),
        challenger as (
            select customer_id, true as on_challenger
            from ({_list(connection, portfolio, state, month, TREATED)})
        )
        select
            customer_id,
            coalesce(on_control, false) as on_control,
            coalesce(on_challenger, false) as on_challenger,
        from control
        full join challenger using (customer_id)
        where on_control is distinct from on_challenger
        order by customer_id
        """
    ).to_arrow_table()
    ids = found["customer_id"].to_pylist()
    # The same hash as the service's, so a customer is treated alike by list and by answer.
    is_treated = places(ids, state.salt) < EVEN
    drawn_to = np.where(is_treated, TREATED, CONTROL)
    rows = found.append_column("drawn_to", pa.array(drawn_to.tolist(), pa.string()))
    connection.register("drawn_rows", rows)
    connection.execute(
        f"insert into {table} by name select *, ?::date as month, ? as experiment from drawn_rows",
        [month, state.spec.name],
    )
    connection.unregister("drawn_rows")
    return len(rows)


def _list(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
    arm: str,
) -> str:
    scores = list_draw.scores_sql(portfolio, state.spec.name, arm)
    return list_sql(connection, portfolio, month, scores=scores)


def find_lists(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
) -> Row | None:
    """The row of the draw whose outcomes matured in `month`, decided on all months up to it; None
    if no draw's did.
    """
    drawn = read_drawn(connection, portfolio, state, month)
    if drawn is None or not len(drawn):
        return None

    to_challenger = drawn.to_challenger
    to_control = ~to_challenger
    counts = (int(to_control.sum()), int(to_challenger.sum()))
    # Half and half were drawn; if outcomes are not, those that are missing are not so by chance.
    p_value = monthly_p_value(counts, (EVEN, EVEN))
    row: Row = {
        "experiment": state.spec.name,
        "spec_sha256": state.spec.sha256,
        "control_version": state.control,
        "challenger_version": state.challenger,
        "drawn": len(drawn),
        "drawn_to_control": counts[0],
        "drawn_to_challenger": counts[1],
        "contacted_control": int(drawn.is_contacted[to_control].sum()),
        "contacted_challenger": int(drawn.is_contacted[to_challenger].sum()),
        "control_net_eur": _mean(drawn.net_eur[to_control]),
        "challenger_net_eur": _mean(drawn.net_eur[to_challenger]),
        "mismatch_p_value": p_value,
        **_difference(drawn, p_value),
    }
    table = f"{portfolio.name}.{LISTS}"
    months = earlier_months(connection, table, state, month, "drawn")
    months.append(month_result(row, "drawn"))
    return row | decided(state, months, LISTS)


def read_drawn(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    state: ExperimentState,
    month: date,
) -> Drawn | None:
    """The customers of the draw whose labels matured in `month`, in the order of their ids; None
    without a draw, or while its list was not worked off.
    """
    _, labels, contacts = campaign_tables(portfolio)
    table = f"{portfolio.name}.{list_draw.NAME}"
    for name in (table, labels, contacts):
        if not table_exists(connection, name):
            return None

    features_month = shift(month, -1 - portfolio.label.gap_months)
    found = connection.execute(
        f"""
        with drawn as (
            from {table}
            where month = $features and experiment = {literal(state.spec.name)}
        ),
        made as (
            select customer_id, sum(coalesce(cost_eur, {_usual_cost(portfolio)})) as cost_eur
            from {contacts}
            where month between $first and $outcomes
            group by customer_id
        ),
        outcome as (
            select customer_id, churned
            from {labels}
            where month = $outcomes and features_month = $features
        ),
        valued as ({value_sql(portfolio, features_month)})
        select
            drawn_to = '{TREATED}' as to_challenger,
            made.customer_id is not null as is_contacted,
            customer_value_eur * (not churned)::int - coalesce(made.cost_eur, 0) as net_eur,
        from drawn
        join outcome using (customer_id)
        join valued using (customer_id)
        left join made using (customer_id)
        where exists (from made)
        order by customer_id
        """,
        {"features": features_month, "first": shift(features_month, 1), "outcomes": month},
    ).fetchnumpy()
    return Drawn(
        to_challenger=np.asarray(found["to_challenger"], dtype=bool),
        is_contacted=np.asarray(found["is_contacted"], dtype=bool),
        net_eur=np.asarray(found["net_eur"], dtype=float),
    )


def _usual_cost(portfolio: Portfolio) -> float:
    return portfolio.economics.contact_cost_eur


def _difference(drawn: Drawn, p_value: float) -> Row:
    if p_value < MISMATCH_P_VALUE:
        return distrusted(
            f"customers with an outcome are not drawn half and half (p = {p_value:.1g}): some are "
            "missing"
        )

    found = list_difference(drawn)
    if found is None:
        return distrusted("too few customers were drawn")
    return difference_row(found)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
