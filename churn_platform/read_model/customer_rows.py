"""What the page knows of each customer of a month, as SQL on the lake."""

from collections.abc import Sequence
from datetime import date

import duckdb

from churn_platform.campaign.newly_at_risk import is_newly_at_risk_sql, tier_place_sql
from churn_platform.ingest.load import raw_table, stored_name
from churn_platform.ingest.recorded_outcomes import CONTACTS, OUTCOMES_TABLE
from churn_platform.ingest.suppression import identity_of, own_numbers
from churn_platform.months import shift
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.published.page_bundle import FACT_PREFIX, HISTORY_MONTHS
from churn_platform.sql import identifier
from churn_platform.warehouse.tables import read_columns, table_exists

FACT_GROUP = "contract"


def facts_of(portfolio: Portfolio) -> list[Feature]:
    """Features that an agent may see: the contract, then what can be changed; nothing protected."""
    contract, others = [], []
    for feature in portfolio.features:
        # An agent who sees age or sex of a customer may decide by it, which no score does.
        if feature.protected:
            continue
        if feature.group == FACT_GROUP:
            contract.append(feature)
        elif feature.actionable:
            others.append(feature)
    return [*contract, *others]


def customers_sql(portfolio: Portfolio, month: date, tiers: Sequence[str]) -> str:
    """One row per scored customer: score, decision, facts, and the scores of twelve months.

    tiers: names, the highest first.
    """
    name, first = portfolio.name, shift(month, 1 - HISTORY_MONTHS)
    facts = []
    for feature in facts_of(portfolio):
        # The prefix keeps a feature apart from a column of the page that has the same name.
        fact = identifier(FACT_PREFIX + feature.name)
        facts.append(f"features.{identifier(feature.name)} as {fact},")

    return f"""
        with scores as (select * from {name}.monthly_scores where month = date '{month}'),
        before as (
            select customer_id, churn_probability, risk_tier
            from {name}.monthly_scores
            where month = date '{shift(month, -1)}'
        ),
        history as (
            select
                customer_id,
                list(month order by month) as history_months,
                list(churn_probability order by month) as history_scores,
            from {name}.monthly_scores
            where month between date '{first}' and date '{month}'
            group by customer_id
        ),
        decisions as (from {name}.contact_decisions where month = date '{month}'),
        features as (from {name}.customer_features where month = date '{month}'),
        joined as (
            select
                scores.customer_id,
                scores.churn_probability,
                scores.risk_tier,
                {tier_place_sql(tiers, "scores.risk_tier")} as tier_place,
                scores.decile,
                scores.reasons,
                before.churn_probability as previous_probability,
                before.risk_tier as previous_tier,
                {tier_place_sql(tiers, "before.risk_tier")} as previous_tier_place,
                history_months,
                history_scores,
                decisions.* exclude (month, customer_id),
                {" ".join(facts)}
            from scores
            left join before using (customer_id)
            left join history using (customer_id)
            left join decisions using (customer_id)
            left join features using (customer_id)
        )
        select
            *,
            {is_newly_at_risk_sql(tiers)} as is_newly_at_risk,
        from joined
        order by customer_id
    """


def phones_sql(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Keyed hash of each own number of the month's customers, with the customer, by hash."""
    # Never empty: the page reads the file of a portfolio without numbers, too.
    parts = ["select null::ubigint as phone_hash, null::varchar as customer_id where false"]
    for table in portfolio.landed_tables:
        raw = raw_table(portfolio, table)
        if not table_exists(connection, raw):
            continue
        owner = identity_of(table).name
        for column in own_numbers(table):
            parts.append(
                f"select {stored_name(column)}, {owner} from {raw} where month = date '{month}'"
            )

    # Only of scored customers: a look-up by number must not tell of others.
    scored = f"select customer_id from {portfolio.name}.monthly_scores where month = date '{month}'"
    return f"""
        select distinct phone_hash, customer_id
        from ({" union all ".join(parts)})
        where phone_hash is not null and customer_id in ({scored})
        order by phone_hash, customer_id
    """


def contacts_sql(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> str:
    """Contacts from a year before the month's end on, and outcomes that agents recorded, by
    customer and time.

    A recorded outcome goes before the contact that was made of it.
    """
    landed = f"{portfolio.raw_schema}.{CONTACTS}"
    recorded = f"{portfolio.name}.{OUTCOMES_TABLE}"
    since = f"date '{shift(month, 1 - HISTORY_MONTHS)}'"
    parts = [
        "select null::varchar as outcome_id, null::varchar as customer_id, "
        "null::timestamp as contacted_at, null::varchar as channel, null::varchar as offer, "
        "null::varchar as answer, null::varchar as reason, null::date as call_back_on, "
        "null::boolean as do_not_contact where false"
    ]
    if table_exists(connection, recorded):
        parts.append(
            "select outcome_id, customer_id, recorded_at, channel, offer, answer, reason, "
            f"call_back_on, do_not_contact from {recorded} where month >= {since}"
        )
    if table_exists(connection, landed):
        columns = read_columns(connection, landed)
        is_accepted = "is_accepted" if "is_accepted" in columns else "null::boolean"
        answer = (
            f"case {is_accepted} when true then 'accepted' when false then 'declined' else 'open' "
            "end"
        )
        parts.append(
            f"select contact_id, customer_id, contacted_at, channel, offer, {answer}, null, null, "
            f"false from {landed} where month >= {since}"
        )
    return f"""
        select * from ({" union all ".join(parts)})
        qualify row_number() over (partition by outcome_id order by answer = 'open', reason) = 1
        order by customer_id, contacted_at
    """
