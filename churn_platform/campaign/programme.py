"""What all campaigns together have changed: everybody who may be contacted, against the standing
hold-out.
"""

from dataclasses import asdict
from datetime import date
from typing import Any

import duckdb
import numpy as np

from churn_platform.campaign.contact_list import held_out_sql
from churn_platform.campaign.outcome import ALL_OFFERS, compare
from churn_platform.campaign.randomised import Randomised, campaign_tables
from churn_platform.campaign.value import value_sql
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio

PROGRAMME, PROGRAMME_TO_DATE = "programme", "programme to date"


def find_programme(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> dict[str, Any] | None:
    """The comparison of the customers whose labels matured in `month`, as a row of outcomes; None
    without a hold-out, or if either side is empty.

    By intention to treat: everybody outside the hold-out counts as treated, listed or not.
    """
    share = portfolio.campaign.holdout_share
    if not share:
        return None

    customers = _read(connection, portfolio, month)
    held_out = int(customers.is_control.sum())
    if not 0 < held_out < len(customers):
        return None

    found = compare(ALL_OFFERS, customers, control_share=share)
    row = asdict(found)
    row["period"] = PROGRAMME
    return row


def _read(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> Randomised:
    """Everybody with a matured label, in the order of their ids; the hold-out is the control."""
    _, labels, contacts = campaign_tables(portfolio)
    features_month = shift(month, -portfolio.label.outcome_months)
    # The hold-out is found by its hash, not by a list: who was on no list belongs to a side too.
    found = connection.execute(
        f"""
        with made as (
            select
                customer_id,
                bool_or(is_accepted) as is_accepted,
                sum(coalesce(cost_eur, {portfolio.economics.contact_cost_eur})) as cost_eur,
            from {contacts}
            where month between $first and $outcomes
            group by customer_id
        ),
        valued as ({value_sql(portfolio, features_month)})
        select
            customer_id,
            {held_out_sql(portfolio.campaign, "customer_id")} as is_control,
            customer_value_eur as value_eur,
            churned::boolean as churned,
            made.customer_id is not null as is_contacted,
            made.is_accepted::int::double as is_accepted,
            coalesce(made.cost_eur, 0)::double as cost_eur,
        from {labels} as labels
        join valued using (customer_id)
        left join made using (customer_id)
        where labels.month = $outcomes and labels.features_month = $features
        order by customer_id
        """,
        {"features": features_month, "first": shift(features_month, 1), "outcomes": month},
    ).fetchnumpy()
    count = len(found["customer_id"])
    return Randomised(
        features_month=np.full(count, features_month, dtype="datetime64[D]"),
        customer_id=np.asarray(found["customer_id"], dtype=object),
        offer=np.full(count, ALL_OFFERS, dtype=object),
        is_control=np.asarray(found["is_control"], dtype=bool),
        # Scores and planned costs are of lists, and this comparison has none.
        churn_probability=np.zeros(count),
        value_eur=np.asarray(found["value_eur"], dtype=float),
        planned_cost_eur=np.zeros(count),
        churned=np.asarray(found["churned"], dtype=bool),
        is_contacted=np.asarray(found["is_contacted"], dtype=bool),
        is_accepted=np.ma.filled(found["is_accepted"], np.nan).astype(float),
        cost_eur=np.asarray(found["cost_eur"], dtype=float),
    )
