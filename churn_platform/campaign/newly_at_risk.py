"""Customers whose risk has risen since the month before, so that somebody should look at them."""

from collections.abc import Sequence
from datetime import date

import duckdb

from churn_platform.campaign.contact_list import CONTROL, OPTED_OUT, excluded_sql
from churn_platform.ingest.suppression import suppressed_among
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sql import literals

TIERS_UP = 2  # places by which a tier has risen
RISK_FACTOR = 2.0


def tier_place_sql(tiers: Sequence[str], column: str) -> str:
    """SQL for the place of a tier, the highest first, from 1."""
    return f"list_position([{literals(tiers)}], {column})"


def is_newly_at_risk_sql(tiers: Sequence[str]) -> str:
    """SQL for whether a customer above the lowest tier has risen by two tiers, or doubled the risk,
    since the month before; false for who had no score then.

    It reads tier_place, previous_tier_place, churn_probability and previous_probability.
    """
    return f"""
        coalesce(
            tier_place < {len(tiers)}
            and (
                previous_tier_place - tier_place >= {TIERS_UP}
                or churn_probability >= {RISK_FACTOR} * previous_probability
            ),
            false
        )
    """


def newly_at_risk(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, tiers: Sequence[str]
) -> list[str]:
    """Ids of the customers who are newly at risk in a month, without those who refuse contacts by
    now, were erased, or are control.

    Control is left out because whoever acts on the others would contact it too, and then nothing
    measures the campaign. The connection needs the keys of the hashes.
    """
    name = portfolio.name
    found = connection.execute(
        f"""
        with excluded as ({excluded_sql(connection, portfolio, month)}),
        scores as (from {name}.monthly_scores where month = $month),
        before as (from {name}.monthly_scores where month = $previous),
        compared as (
            select
                scores.customer_id,
                scores.churn_probability,
                {tier_place_sql(tiers, "scores.risk_tier")} as tier_place,
                before.churn_probability as previous_probability,
                {tier_place_sql(tiers, "before.risk_tier")} as previous_tier_place,
            from scores
            join before using (customer_id)  -- 1:1
        )
        select customer_id
        from compared
        where {is_newly_at_risk_sql(tiers)}
            and customer_id not in (
                select customer_id from excluded where decision = '{OPTED_OUT}'
            )
            and customer_id not in (
                select customer_id from {name}.contact_list
                where month = $month and role = '{CONTROL}'
            )
        order by customer_id
        """,
        {"month": month, "previous": shift(month, -1)},
    ).fetchall()
    ids = [customer_id for (customer_id,) in found]
    erased = suppressed_among(connection, name, ids)
    return [customer_id for customer_id in ids if customer_id not in erased]
