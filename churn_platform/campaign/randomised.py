"""Customers that a list assigned at random to contact or control, with what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import duckdb
import numpy as np

from churn_platform.campaign.contact_list import CONTROL
from churn_platform.campaign.hand_over import held_because
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import table_exists


@dataclass(frozen=True)
class Randomised:
    """One entry per listed customer with a matured label, by list and rank.

    `cost_eur` is what was spent on the customer, `is_accepted` NaN if there was no contact or
    its answer is open.
    """

    features_month: np.ndarray
    customer_id: np.ndarray
    offer: np.ndarray
    is_control: np.ndarray
    churn_probability: np.ndarray
    value_eur: np.ndarray
    planned_cost_eur: np.ndarray
    churned: np.ndarray
    is_contacted: np.ndarray
    is_accepted: np.ndarray
    cost_eur: np.ndarray

    def __len__(self) -> int:
        return len(self.customer_id)

    def take(self, rows: np.ndarray) -> "Randomised":
        """The given rows, by mask or position."""
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self)}
        return Randomised(**columns)

    @property
    def net_eur(self) -> np.ndarray:
        """What each customer brought: the value where the customer stayed, less what was spent,
        EUR.
        """
        # Who was listed counts as treated, reached or not (intention to treat). Who can be reached
        # differs from who cannot, and no one tried to reach the control group.
        return self.value_eur * ~self.churned - self.cost_eur


def read_randomised(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, outcomes: date
) -> Randomised:
    """Listed customers whose labels matured in the month `outcomes`, if contacts of their list have
    landed.

    A list of which no one was contacted is no campaign. Contacts are those of the months from the
    list's making to the outcome. A customer contacted several times counts once, with the sum of
    the costs.
    """
    features_month = shift(outcomes, -portfolio.label.outcome_months)
    listed, labels, contacts = campaign_tables(portfolio)
    # A list that was held back was no campaign, whoever was contacted in that month.
    if not all(
        table_exists(connection, table) for table in (listed, labels, contacts)
    ) or held_because(connection, listed, features_month):
        return Randomised(*(np.empty(0, dtype=kind) for kind in _TYPES.values()))

    found = connection.execute(
        f"""
        with list as (select * from {listed} where month = $features),
        made as (
            select
                customer_id,
                bool_or(is_accepted) as is_accepted,
                sum(coalesce(made.cost_eur, contact_cost_eur)) as cost_eur,
            from {contacts} as made
            join list using (customer_id)
            where made.month between $first and $outcomes
            group by customer_id
        ),
        outcome as (
            select customer_id, churned from {labels}
            where month = $outcomes and features_month = $features
        )
        select
            list.month as features_month,
            customer_id,
            offer,
            role = '{CONTROL}' as is_control,
            churn_probability,
            customer_value_eur as value_eur,
            contact_cost_eur as planned_cost_eur,
            churned::boolean as churned,
            made.customer_id is not null as is_contacted,
            made.is_accepted::int::double as is_accepted,
            coalesce(made.cost_eur, 0) as cost_eur,
        from list
        join outcome using (customer_id)
        left join made using (customer_id)
        where exists (from made)
        order by list_rank
        """,
        # From the month after the features: a contact before that is not one of this list.
        {"features": features_month, "first": shift(features_month, 1), "outcomes": outcomes},
    ).fetchnumpy()
    return Randomised(
        *(np.ma.filled(found[name], np.nan).astype(kind) for name, kind in _TYPES.items())
    )


def join_randomised(parts: Sequence[Randomised]) -> Randomised:
    """One list after the other."""
    columns = {}
    for field in fields(Randomised):
        values = [getattr(part, field.name) for part in parts]
        columns[field.name] = np.concatenate(values)
    return Randomised(**columns)


def campaign_tables(portfolio: Portfolio) -> tuple[str, str, str]:
    """The tables that an outcome takes: list, labels, contacts."""
    return (
        f"{portfolio.name}.contact_list",
        f"{portfolio.name}.churn_labels",
        f"{portfolio.raw_schema}.{CONTACTS}",
    )


_TYPES: dict[str, type | str] = {
    "features_month": "datetime64[D]",
    "customer_id": object,
    "offer": object,
    "is_control": bool,
    "churn_probability": float,
    "value_eur": float,
    "planned_cost_eur": float,
    "churned": bool,
    "is_contacted": bool,
    "is_accepted": float,
    "cost_eur": float,
}
