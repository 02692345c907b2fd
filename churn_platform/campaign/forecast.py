"""The economics of one month's scores, as rows of the warehouse."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from churn_platform.campaign.contact_list import explored_summary, summarise
from churn_platform.campaign.list_economics import (
    ContactPolicy,
    as_rows,
    compare_policies,
    sensitivity,
)
from churn_platform.markdown import table
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import replace_dicts

FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5)
POLICY_COLUMNS = {
    "month": "date",
    "policy": "varchar",
    "contacts": "bigint",
    "churners_reached": "double",
    "cost_eur": "double",
    "value_kept_eur": "double",
    "net_eur": "double",
    "return_on_investment": "double",
}
SENSITIVITY_COLUMNS = {
    "month": "date",
    "acceptance_factor": "double",
    "cost_factor": "double",
    "threshold": "double",
    "contacts": "bigint",
    "net_eur": "double",
}


@dataclass(frozen=True)
class Forecast:
    """What a month's campaign should bring, and how that depends on what is assumed."""

    policies: list[ContactPolicy]
    sensitivity: list[dict[str, float]]
    probability: np.ndarray

    def sensitivity_markdown(self) -> str:
        """Best net value, EUR: acceptance down, contact cost across, as multiples of the spec's."""
        net_eur = {}
        for row in self.sensitivity:
            net_eur[row["acceptance_factor"], row["cost_factor"]] = row["net_eur"]

        titles = ["acceptance / cost"]
        for cost in FACTORS:
            titles.append(f"x {cost:g}")

        rows = []
        for acceptance in FACTORS:
            cells = [f"x {acceptance:g}"]
            for cost in FACTORS:
                cells.append(f"{net_eur[acceptance, cost]:,.0f}")

            rows.append(cells)

        return table(titles, rows)


def forecast_month(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    measured: Mapping[str, float],
) -> Forecast:
    """The forecast from the month's calibrated scores and the champion's metrics as measured on its
    hold-out.
    """
    scores = f"select churn_probability from {portfolio.name}.monthly_scores where month = ?"
    probability = np.asarray(
        connection.execute(scores, [month]).fetchnumpy()["churn_probability"], dtype=np.float64
    )
    policies = compare_policies(
        customers=len(probability),
        # Probabilities are calibrated, so their mean is the churn rate to expect.
        churn_rate=float(probability.mean()),
        recall=measured["recall"],
        contacted_share=measured["contacted_share"],
        economics=portfolio.economics,
    )
    listed = _policy("contact list", summarise(connection, portfolio, month))
    return Forecast(
        [*policies, *_learning(connection, portfolio, month, listed), listed],
        sensitivity(probability, portfolio.economics, factors=FACTORS),
        probability,
    )


def _learning(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    listed: ContactPolicy,
) -> list[ContactPolicy]:
    """What it costs to learn, where the spec asks for it: the standing hold-out and exploration."""
    campaign = portfolio.campaign
    found = []
    if campaign.holdout_share:
        # Drawn from everybody alike, so they would have brought as much, customer for customer.
        lost = campaign.holdout_share / (1 - campaign.holdout_share)
        found.append(
            ContactPolicy(
                "standing hold-out", 0, 0.0, 0.0, -listed.net_eur * lost, -listed.net_eur * lost
            )
        )
    if campaign.exploration_share:
        found.append(_policy("exploration", explored_summary(connection, portfolio, month)))
    return found


def _policy(name: str, listed: Mapping[str, float]) -> ContactPolicy:
    """A list, or a part of it, as it is, by its own expected profit."""
    cost, net = listed["cost_eur"], listed["expected_profit_eur"]
    return ContactPolicy(
        name,
        int(listed["contacts"]),
        listed["churners_reached"],
        cost,
        net + cost,
        net,
    )


def replace_forecast(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, forecast: Forecast
) -> None:
    """Put the forecast of a month in place of the one before. To be called in a transaction."""
    for name, columns, rows in (
        ("campaign_economics", POLICY_COLUMNS, as_rows(forecast.policies)),
        ("campaign_sensitivity", SENSITIVITY_COLUMNS, forecast.sensitivity),
    ):
        replace_dicts(connection, f"{portfolio.name}.{name}", columns, month, rows)
