"""Chooses which customers to contact: the offers that are worth more than they cost, inside the
budget, less a control group.
"""

from collections.abc import Sequence
from datetime import date
from math import floor

import duckdb

from churn_platform.campaign.list_draw import (
    combined_sql,
    drawing_experiment,
    drawn_sql,
    scores_sql,
)
from churn_platform.campaign.value import value_sql
from churn_platform.errors import DataError
from churn_platform.ingest.recorded_outcomes import CONTACTS, refusing_sql
from churn_platform.months import label, shift
from churn_platform.portfolios.economics import Campaign, Offer
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sql import literal
from churn_platform.warehouse.tables import ensure_table, replace_month, table_exists

COLUMNS = {
    "month": "date",
    "customer_id": "varchar",
    "list_rank": "bigint",
    "role": "varchar",
    "channel": "varchar",
    "offer": "varchar",
    "churn_probability": "double",
    "customer_value_eur": "double",
    "expected_profit_eur": "double",
    "contact_cost_eur": "double",
    "risk_tier": "varchar",
    "reasons": "varchar[]",
    "model_version": "integer",
    "uplift": "double",
    "held_because": "varchar",
    "is_explored": "boolean",
}
UPLIFT_TABLE = "uplift_scores"
UPLIFT_COLUMNS = {"month": "date", "customer_id": "varchar", "uplift": "double"}
CONTACT, CONTROL = "contact", "control"
BEST_OFFER = """
    qualify row_number() over (
        partition by customer_id order by expected_profit_eur desc, offer
    ) = 1
"""
UPLIFT_PROFIT = "uplift * customer_value_eur - contact_cost_eur"
OPTED_OUT, INELIGIBLE, RECENTLY_CONTACTED = "opted_out", "ineligible", "recently_contacted"
HELD_OUT = "held_out"
HASHES = 2**32  # of the eight hexadecimal digits that a draw takes
SUMMARY = ("contacts", "control", "churners_reached", "cost_eur", "expected_profit_eur")


def offers_of(portfolio: Portfolio) -> Sequence[Offer]:
    """The declared offers, or the one that the portfolio's economics imply."""
    economics = portfolio.economics
    implied = Offer(
        name="retention_offer",
        channel="phone",
        contact_cost_eur=economics.contact_cost_eur,
        acceptance_rate=economics.acceptance_rate,
    )
    return portfolio.campaign.offers or (implied,)


def replace_contact_list(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    is_handed_over: bool = False,
    held_because: str | None = None,
) -> int:
    """Make the month's list again; returns its rows, one per customer. To be called in a
    transaction.

    Expected profit = P(churn) x acceptance x value of the customer - cost of the contact (Neslin et
    al. 2006, with the value lost at no acceptance being nil). Each customer gets the offer of
    highest expected profit, if that is positive; the list is ranked by profit per euro where a
    budget binds, else by profit. Every run of 1 / control_share customers in that order loses one,
    drawn by a seeded hash, to the control group: they count as if contacted when the budget is
    spent, but cost nothing and are never contacted.

    Where the month has uplift, because ranking by it was shown to earn more, expected profit =
    uplift x value - cost for the offer chosen as before, and who has no uplift is not listed.

    With an exploration share that share of the list is drawn from those whom the ranking leaves
    out. While an experiment draws between two lists, the list is the one of the draw.

    held_because: why the list must not be handed over, which is kept with it; None: it may be.

    A list that was handed over, or has been worked off, stays as it is, also if scores were made
    since: it is the record of who was drawn. Ranks move with the scores, and the draw with them, so
    some who were handed over for contact would become control.
    """
    table = f"{portfolio.name}.contact_list"
    ensure_table(connection, table, COLUMNS)
    # Drawing again would turn customers who were handed over for contact into control.
    if kept := rows_in_use(connection, portfolio, month, is_handed_over=is_handed_over):
        return kept

    query = _month_sql(connection, portfolio, month, held_because)
    return replace_month(connection, table, month, query)


def _month_sql(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    held_because: str | None,
) -> str:
    """Query for the list of a month, as an experiment draws it where one does."""
    experiment = drawing_experiment(connection, portfolio, month)
    if experiment is None:
        return list_sql(connection, portfolio, month, held_because)

    both = []
    for arm in ("control", "challenger"):
        scores = scores_sql(portfolio, experiment, arm)
        both.append(list_sql(connection, portfolio, month, held_because, scores=scores))

    control, challenger = both
    return combined_sql(control, challenger, drawn_sql(portfolio, month))


def rows_in_use(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    is_handed_over: bool,
) -> int:
    """Rows of a list that was handed over, or worked off, as contacts of the month after it show; 0
    for any other.
    """
    contacts = f"{portfolio.raw_schema}.{CONTACTS}"
    is_worked_off = False
    if not is_handed_over and table_exists(connection, contacts):
        landed = f"select 1 from {contacts} where month = ? limit 1"
        is_worked_off = bool(connection.execute(landed, [shift(month, 1)]).fetchone())

    if not is_handed_over and not is_worked_off:
        return 0

    row = connection.execute(
        f"select count(*) from {portfolio.name}.contact_list where month = ?", [month]
    ).fetchone()
    return row[0] if row else 0


def list_sql(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    held_because: str | None = None,
    *,
    scores: str | None = None,
) -> str:
    """Query for a month's list in COLUMNS; `scores` as for `ranking_sql`."""
    held = "null" if held_because is None else literal(held_because)
    made = ("role", "held_because", "is_explored")
    columns = ", ".join(name for name in COLUMNS if name not in made)
    steps = ranking_sql(connection, portfolio, month, scores=scores)
    listed = "select *, false as is_explored from placed where is_inside"
    # Most portfolios explore nothing, and need not sort whom the ranking leaves out.
    if portfolio.campaign.exploration_share:
        steps = f"{steps}, {_exploration(portfolio.campaign, month)}"
        listed = f"{listed} union all by name select *, true as is_explored from explored"
    return f"""
        with {steps}
        select
            {columns},
            {held}::varchar as held_because,
            is_explored,
            case when is_control then '{CONTROL}' else '{CONTACT}' end as role,
        from ({listed})
    """


def _exploration(campaign: Campaign, month: date) -> str:
    """The named steps to `explored`: customers whom the ranking leaves out, drawn by a hash, with
    places behind its last.

    Their number is the share of the whole list, and their cost within its share of the budget.
    """
    share = campaign.exploration_share
    draw = _draw(campaign, month, "'exploration ' || customer_id")
    cost = "true"
    if campaign.budget_eur is not None:
        cost = f"spent_eur <= {campaign.budget_eur * share}"
    return f"""
        listed as (
            select count(*) as customers, coalesce(max(list_rank), 0) as last_rank
            from placed where is_inside
        ),
        left_out as (
            select *, null::double as uplift
            from (from offered {BEST_OFFER})
            where customer_id not in (select customer_id from excluded)
                and customer_id not in (select customer_id from placed where is_inside)
        ),
        shuffled as (
            select *, row_number() over (order by {draw}, customer_id) as place from left_out
        ),
        numbered as (
            select
                shuffled.*,
                last_rank + place as list_rank,
                sum(contact_cost_eur) over (order by place) as spent_eur,
            from shuffled
            cross join listed
            where place <= ceil({share} / (1 - {share}) * customers)
        ),
        explored as (
            select *, {_control(campaign, month)} as is_control from numbered where {cost}
        )
    """


def ranking_sql(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    scores: str | None = None,
) -> str:
    """The named steps from scores to `placed`, for a query to begin with.

    scores: what to rank by instead of `monthly_scores`, as a source in SQL with its columns.
    `placed` has each customer who is worth a contact once, with rank, draw, and whether the budget
    reaches so far.
    `offered` has each scored customer with a value once for each offer, `excluded` each customer
    who must not be contacted, by reason. The list and `contact_decisions` are made of the same
    steps, so they cannot differ.
    """
    campaign = portfolio.campaign
    order = (
        "expected_profit_eur / contact_cost_eur" if campaign.budget_eur else "expected_profit_eur"
    )
    return f"""
        scored as (
            select * from {scores or _scores(connection, portfolio, month)}
            where month = date '{month}'
        ),
        valued as ({value_sql(portfolio, month)}),
        offers(offer, channel, contact_cost_eur, acceptance_rate) as (values {_offers(portfolio)}),
        excluded as ({excluded_sql(connection, portfolio, month)}),
        offered as (
            select
                *,
                churn_probability * acceptance_rate * customer_value_eur - contact_cost_eur
                    as expected_profit_eur
            from scored
            join valued using (customer_id)
            cross join offers
        ),
        worthwhile as (
            from offered
            where customer_id not in (select customer_id from excluded) and expected_profit_eur > 0
        ),
        best_offers as (from worthwhile {BEST_OFFER}),
        judged as ({_judged(connection, portfolio, month)}),
        ranked as (
            select
                *,
                row_number() over (
                    order by {order} desc, {_draw(campaign, month, "customer_id")}
                ) as list_rank,
            from judged
        ),
        drawn as (select *, {_control(campaign, month)} as is_control from ranked),
        spent as (
            select
                *,
                coalesce(sum(contact_cost_eur) filter (not is_control) over earlier, 0)
                    as spent_before_eur,
                count(*) filter (not is_control) over earlier as contacts_before,
            from drawn
            window earlier as (order by list_rank rows between unbounded preceding and 1 preceding)
        ),
        placed as (select *, {_inside(campaign)} as is_inside from spent)
    """


def _judged(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Query for the best offers with each customer's uplift, which decides the profit where the
    month has any.
    """
    if not has_uplift(connection, portfolio, month):
        return "select *, null::double as uplift from best_offers"

    return (
        f"select best_offers.* replace ({UPLIFT_PROFIT} as expected_profit_eur), uplift "
        f"from best_offers join ({uplift_sql(portfolio, month)}) using (customer_id) "
        f"where {UPLIFT_PROFIT} > 0"
    )


def has_uplift(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> bool:
    """Whether uplift ranks the month."""
    table = f"{portfolio.name}.{UPLIFT_TABLE}"
    if not table_exists(connection, table):
        return False
    any_row = f"select 1 from {table} where month = ? limit 1"
    return connection.execute(any_row, [month]).fetchone() is not None


def uplift_sql(portfolio: Portfolio, month: date) -> str:
    """Query for (customer_id, uplift) of a month that has uplift."""
    table = f"{portfolio.name}.{UPLIFT_TABLE}"
    return f"select customer_id, uplift from {table} where month = date '{month}'"


def _scores(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    table = f"{portfolio.name}.monthly_scores"
    if (
        not table_exists(connection, table)
        or not connection.execute(
            f"select 1 from {table} where month = ? limit 1", [month]
        ).fetchone()
    ):
        raise DataError(
            f"{portfolio.name} has no scores of {label(month)}; "
            f"materialize {portfolio.name}/monthly_scores"
        )

    return table


def _offers(portfolio: Portfolio) -> str:
    rows = []
    for offer in offers_of(portfolio):
        rows.append(
            f"('{offer.name}', '{offer.channel}', {offer.contact_cost_eur}::double, "
            f"{offer.acceptance_rate}::double)"
        )

    return ", ".join(rows)


def excluded_sql(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Query for (customer_id, decision, last_contact_month) of customers who must not be contacted:
    opted out, ineligible, contacted within the cool-down, or in the standing hold-out. A customer
    may have several rows.

    Preferences are those of the newest month that has any: a missing file does not call back who
    has opted out. Nor does what agents recorded on the page make a month of its own: it counts at
    once and besides.
    """
    preferences, contacts = (
        f"{portfolio.raw_schema}.contact_preferences",
        f"{portfolio.raw_schema}.{CONTACTS}",
    )
    since = shift(month, 1 - portfolio.campaign.cooldown_months)
    parts = [
        "select null::varchar as customer_id, null::varchar as decision, "
        "null::date as last_contact_month where false"
    ]
    refusing = refusing_sql(connection, portfolio)
    if refusing:
        parts.append(f"select customer_id, '{OPTED_OUT}', null from ({refusing})")

    if table_exists(connection, preferences):
        delivered = f"customer_id not in ({refusing})" if refusing else "true"
        parts.append(
            f"select customer_id, case when is_opted_out then '{OPTED_OUT}' else '{INELIGIBLE}' "
            f"end, null from {preferences} where (is_opted_out or is_ineligible) "
            f"and month = (select max(month) from {preferences} "
            f"where month <= date '{month}' and {delivered})"
        )

    if table_exists(connection, contacts):
        parts.append(
            f"select customer_id, '{RECENTLY_CONTACTED}', max(month) from {contacts} "
            f"where month between date '{since}' and date '{month}' group by customer_id"
        )

    if portfolio.campaign.holdout_share:
        is_held_out = held_out_sql(portfolio.campaign, "customer_id")
        parts.append(f"select customer_id, '{HELD_OUT}', null from scored where {is_held_out}")

    return " union all ".join(parts)


def held_out_sql(campaign: Campaign, customer: str) -> str:
    """SQL for whether a customer is in the standing hold-out: the same customers in every month."""
    # Without the month, unlike the draw of a list: who is never contacted shows what all campaigns
    # together have changed, also what lasts longer than a month.
    digest = f"md5('{campaign.seed} standing hold-out ' || {customer})"
    return f"('0x' || left({digest}, 8))::bigint < {campaign.holdout_share * HASHES}"


def _draw(campaign: Campaign, month: date, what: str) -> str:
    # A hash, not a random number: the same list must come out again on any machine.
    return f"md5('{campaign.seed} {month} ' || {what})"


def _control(campaign: Campaign, month: date) -> str:
    """SQL for whether a ranked customer is control: one in each run of 1 / share, at a place that a
    hash draws.
    """
    if not campaign.control_share:
        return "false"

    # One in each run of twenty of the ranking, at a place that a seeded hash draws. So control and
    # contacted customers have the same expected profit rank by rank, with a short budget too.
    run = control_run(campaign)
    row = "(list_rank - 1)"
    draw = _draw(campaign, month, f"({row} // {run})::varchar")
    place = f"('0x' || left({draw}, 8))::bigint % {run}"
    return f"{row} % {run} = {place}"


def control_run(campaign: Campaign) -> int:
    """Ranked customers, one of them control; to be called if there is a control share."""
    return round(1 / campaign.control_share)


def planned_control_share(campaign: Campaign) -> float:
    """The share of a list that the draw makes control: one in each run, near
    the share asked for.
    """
    return 1 / control_run(campaign) if campaign.control_share else 0.0


def _inside(campaign: Campaign) -> str:
    limits = ["true"]
    # What exploration takes is left for it: both together keep to the budget and the capacity.
    ranked = 1 - campaign.exploration_share
    if campaign.budget_eur is not None:
        limits.append(f"spent_before_eur + contact_cost_eur <= {campaign.budget_eur * ranked}")
    if campaign.capacity is not None:
        limits.append(f"contacts_before < {floor(campaign.capacity * ranked)}")
    return " and ".join(limits)


def explored_summary(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> dict[str, float]:
    """As `summarise`, of the customers whom exploration drew alone."""
    return summarise(connection, portfolio, month, condition="coalesce(is_explored, false)")


def summarise(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    *,
    condition: str = "true",
) -> dict[str, float]:
    """Contacts, control customers, churners expected among the contacts, their cost and expected
    profit, EUR.
    """
    row = connection.execute(
        f"""
        select
            count(*) filter (role = '{CONTACT}'),
            count(*) filter (role = '{CONTROL}'),
            coalesce(sum(churn_probability) filter (role = '{CONTACT}'), 0),
            coalesce(sum(contact_cost_eur) filter (role = '{CONTACT}'), 0),
            coalesce(sum(expected_profit_eur) filter (role = '{CONTACT}'), 0),
        from {portfolio.name}.contact_list
        where month = ? and {condition}
        """,
        [month],
    ).fetchone()
    assert row is not None
    return {name: round(value, 2) for name, value in zip(SUMMARY, row, strict=True)}
