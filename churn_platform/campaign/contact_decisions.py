"""Why each scored customer is contacted in a month, or is not: one row per customer.

The steps are those of the contact list (`ranking_sql`), so both say the same. Erased customers have
no score, and so no row.
"""

from datetime import date

import duckdb

from churn_platform.campaign.contact_list import (
    BEST_OFFER,
    CONTACT,
    CONTROL,
    HELD_OUT,
    INELIGIBLE,
    OPTED_OUT,
    RECENTLY_CONTACTED,
    UPLIFT_PROFIT,
    has_uplift,
    ranking_sql,
    rows_in_use,
    uplift_sql,
)
from churn_platform.campaign.list_draw import drawing_experiment, drawn_sql
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import ensure_table, replace_month

NAME = "contact_decisions"
COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "decision": "varchar",
    "list_rank": "bigint",
    "ranks_beyond": "bigint",
    "shortfall_eur": "double",
    "last_contact_month": "date",
    "offer": "varchar",
    "channel": "varchar",
    "expected_profit_eur": "double",
    "contact_cost_eur": "double",
    "customer_value_eur": "double",
}
NOT_WORTH_IT, BEYOND_BUDGET = "not_worth_it", "beyond_budget"
UNKNOWN_UPLIFT, UNKNOWN_VALUE, NOT_DRAWN = "unknown_uplift", "unknown_value", "not_drawn"
OTHER_LIST = "other_list"
DECISIONS = {
    CONTACT: "On the list, to be contacted.",
    CONTROL: "On the list, held back as control group.",
    OPTED_OUT: "Refuses marketing contacts.",
    INELIGIBLE: "May get no offer, for example in dunning or dispute.",
    RECENTLY_CONTACTED: "Was contacted within the cool-down.",
    HELD_OUT: "Is never contacted, so that all campaigns together can be measured.",
    NOT_WORTH_IT: "A contact is expected to cost more than it brings, by `shortfall_eur`.",
    BEYOND_BUDGET: "Worth a contact, but `ranks_beyond` places behind the last that fits.",
    UNKNOWN_UPLIFT: "Uplift ranks the list, and no draw speaks of customers of so low a risk.",
    UNKNOWN_VALUE: "The price, and so the value of the customer, is not known.",
    OTHER_LIST: "An experiment drew the customer to the other list, which does not have them.",
    NOT_DRAWN: "The list was handed over before this score was made, without the customer.",
}
"""Each decision, and what it means. Of several that fit, the first is said: what a customer wants
counts before what a contact costs.
"""


def replace_decisions(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    is_handed_over: bool = False,
) -> int:
    """Make the month's decisions again, after its list; returns their number. To be called in a
    transaction.

    A list that stays as it was handed over keeps its decisions: they explain that draw, and later
    scores do not. They are made again if they are not about that list, or lack a customer.
    """
    table = f"{portfolio.name}.{NAME}"
    ensure_table(connection, table, COLUMNS)
    in_use = rows_in_use(connection, portfolio, month, is_handed_over=is_handed_over)
    if in_use and (kept := _count_if_of_list(connection, portfolio, month)):
        return kept
    return replace_month(connection, table, month, _decisions_sql(connection, portfolio, month))


def count_decisions(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> dict[str, int]:
    """How many customers each decision is about, in the order of DECISIONS, without those that
    none has.
    """
    rows = connection.execute(
        f"select decision, count(*) from {portfolio.name}.{NAME} where month = ? group by decision",
        [month],
    ).fetchall()
    counted = dict(rows)
    return {decision: counted[decision] for decision in DECISIONS if decision in counted}


def _count_if_of_list(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> int:
    """Number of the month's decisions; 0 if they differ from its list, or lack a scored
    customer.
    """
    name = portfolio.name
    compared = connection.execute(
        f"""
        with decided as (select * from {name}.{NAME} where month = $month),
        drawn as (from decided where decision in ('{CONTACT}', '{CONTROL}')),
        listed as (select * from {name}.contact_list where month = $month),
        differing as (
            select 1
            from listed
            full join drawn using (customer_id)
            where listed.role is distinct from drawn.decision
                or listed.expected_profit_eur is distinct from drawn.expected_profit_eur
        ),
        lacking as (
            select 1
            from {name}.monthly_scores as scores
            anti join decided using (customer_id)
            where scores.month = $month
        )
        select
            case when not exists (from differing) and not exists (from lacking)
                then (select count(*) from decided) else 0 end
        """,
        {"month": month},
    ).fetchone()
    assert compared is not None
    return compared[0]


def _decisions_sql(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    on_list = f"'{CONTACT}', '{CONTROL}'"
    return f"""
        with {ranking_sql(connection, portfolio, month)},
        listed as (from {portfolio.name}.contact_list where month = date '{month}'),
        list_draw as ({_drawn(connection, portfolio, month)}),
        best_of_all as (from offered {BEST_OFFER}),
        appraised as ({_appraised(connection, portfolio, month)}),
        barred as (
            select
                customer_id,
                arg_min(decision, {_place_of("decision")}) as decision,
                max(last_contact_month) as last_contact_month,
            from excluded
            group by customer_id
        ),
        last_inside as (
            select coalesce(max(list_rank), 0) as last_rank from placed where is_inside
        ),
        joined as (
            select
                scored.month,
                scored.customer_id,
                listed.role,
                barred.decision as bar,
                barred.last_contact_month,
                churn_profit_eur,
                profit_eur,
                placed.is_inside,
                drawn_to,
                placed.list_rank - last_rank as ranks_beyond,
                coalesce(listed.list_rank, placed.list_rank) as list_rank,
                coalesce(listed.offer, appraised.offer) as offer,
                coalesce(listed.channel, appraised.channel) as channel,
                coalesce(listed.expected_profit_eur, profit_eur, churn_profit_eur)
                    as expected_profit_eur,
                coalesce(listed.contact_cost_eur, appraised.contact_cost_eur) as contact_cost_eur,
                coalesce(listed.customer_value_eur, appraised.customer_value_eur)
                    as customer_value_eur,
            from scored
            left join listed using (customer_id)
            left join barred using (customer_id)
            left join appraised using (customer_id)
            left join placed using (customer_id)
            left join list_draw using (customer_id)
            cross join last_inside
        ),
        decided as (
            select
                *,
                case
                    when role is not null then role
                    when bar is not null then bar
                    when churn_profit_eur is null then '{UNKNOWN_VALUE}'
                    when churn_profit_eur <= 0 then '{NOT_WORTH_IT}'
                    when profit_eur is null then '{UNKNOWN_UPLIFT}'
                    when profit_eur <= 0 then '{NOT_WORTH_IT}'
                    when is_inside and drawn_to = 'challenger' then '{OTHER_LIST}'
                    when not is_inside then '{BEYOND_BUDGET}'
                    else '{NOT_DRAWN}'
                end as decision,
            from joined
        )
        select
            month,
            customer_id,
            decision,
            case when decision in ({on_list}, '{BEYOND_BUDGET}') then list_rank end as list_rank,
            -- a cheaper offer may fit behind one that does not
            case when decision = '{BEYOND_BUDGET}' then greatest(ranks_beyond, 1) end
                as ranks_beyond,
            case
                when decision = '{NOT_WORTH_IT}' and churn_profit_eur <= 0 then -churn_profit_eur
                when decision = '{NOT_WORTH_IT}' then -profit_eur
            end as shortfall_eur,
            case when decision = '{RECENTLY_CONTACTED}' then last_contact_month end
                as last_contact_month,
            offer,
            channel,
            expected_profit_eur,
            contact_cost_eur,
            customer_value_eur,
        from decided
    """


def _drawn(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Query for the list that an experiment drew each customer to; no rows where none does."""
    if drawing_experiment(connection, portfolio, month) is None:
        return "select null::varchar as customer_id, null::varchar as drawn_to where false"
    return f"select customer_id, drawn_to from ({drawn_sql(portfolio, month)})"


def _appraised(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Query for every customer's best offer, with its profit by churn and by what ranks."""
    by_churn = "best_of_all.expected_profit_eur as churn_profit_eur"
    if not has_uplift(connection, portfolio, month):
        return f"select *, {by_churn}, expected_profit_eur as profit_eur from best_of_all"
    return (
        f"select best_of_all.*, {by_churn}, {UPLIFT_PROFIT} as profit_eur from best_of_all "
        f"left join ({uplift_sql(portfolio, month)}) using (customer_id)"
    )


def _place_of(column: str) -> str:
    """SQL for the place of a decision in DECISIONS."""
    names = ", ".join(f"'{name}'" for name in DECISIONS)
    return f"list_position([{names}], {column})"
