"""The draw between two contact lists: customers who are on one of them alone are drawn to a list,
and are contacted only if that list has them.

An experiment writes both versions' scores and the draw; the list reads them here.
"""

from datetime import date

import duckdb

from churn_platform.portfolios.spec import Portfolio
from churn_platform.sql import literal
from churn_platform.warehouse.tables import table_exists

NAME = "experiment_draw"
SCORES = "experiment_scores"
COLUMNS = {
    "month": "date",
    "experiment": "varchar",
    "customer_id": "varchar",
    "on_control": "boolean",
    "on_challenger": "boolean",
    "drawn_to": "varchar",
}


def drawing_experiment(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> str | None:
    """The experiment that draws between two lists of the month; None if none does."""
    table = f"{portfolio.name}.{NAME}"
    if not table_exists(connection, table):
        return None

    # Two experiments never run at a time, so a month has the draw of one; an aggregate says "none"
    # as NULL.
    query = f"select min(experiment) from {table} where month = ?"
    row = connection.execute(query, [month]).fetchone()
    assert row is not None, "an aggregate has a row"
    name: str | None = row[0]
    return name


def scores_sql(portfolio: Portfolio, experiment: str, arm: str) -> str:
    """A version's scores as a source to rank."""
    return (
        f"(from {portfolio.name}.{SCORES} where experiment = {literal(experiment)} "
        f"and arm = {literal(arm)})"
    )


def drawn_sql(portfolio: Portfolio, month: date) -> str:
    """Query for (customer_id, on_control, on_challenger, drawn_to) of the month's draw."""
    return (
        "select customer_id, on_control, on_challenger, drawn_to "
        f"from {portfolio.name}.{NAME} where month = date '{month}'"
    )


def combined_sql(control: str, challenger: str, drawn: str) -> str:
    """The one list that the month's customers are contacted by, of the queries for both lists.

    Who is on both stays as the control's list has it. Ranks are dealt again in each list's order.
    """
    return f"""
        with drawn as ({drawn}),
        control_list as ({control}),
        challenger_list as ({challenger}),
        merged as (
            select control_list.*, 0 as origin
            from control_list
            left join drawn using (customer_id)
            where coalesce(drawn_to, 'control') = 'control'
            union all by name
            select challenger_list.*, 1 as origin
            from challenger_list
            join drawn using (customer_id)
            where drawn_to = 'challenger' and not on_control
        )
        select
            * exclude (origin) replace (
                row_number() over (order by list_rank, origin) as list_rank
            )
        from merged
    """
