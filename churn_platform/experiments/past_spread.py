"""How far the two versions differ on customers whose outcome is known: what a plan is made of."""

from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from churn_platform.errors import ExperimentError
from churn_platform.experiments.moves import Versions
from churn_platform.experiments.paired import PairedScores, auc_difference, profit_difference
from churn_platform.experiments.plan import Plan, Spread, plan_experiment
from churn_platform.experiments.spec import ExperimentSpec
from churn_platform.metrics.metrics import top
from churn_platform.portfolios.economics import Economics
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.publication import Publisher
from churn_platform.training.versions import load_version
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import table_exists

if TYPE_CHECKING:
    from mlflow import MlflowClient


def plan_of(publisher: Publisher, spec: ExperimentSpec, versions: Versions) -> Plan:
    """The plan of a spec for two versions, from the challenger's hold-out."""
    portfolio = publisher.portfolio
    with closing(connect(publisher.lake, read_only=True)) as connection:
        scores = holdout_scores(connection, publisher.client, portfolio, versions)
        spread = spread_of(spec, scores, portfolio.economics)
        customers = _customers_per_month(connection, portfolio)

    # A snapshot is judged on the customers that neither version was fitted on; and before any
    # label has matured, the hold-out is the best guess there is of a month.
    if portfolio.kind == "snapshot" or not customers:
        customers = len(scores)
    return plan_experiment(spec, spread, customers_per_month=customers)


def holdout_scores(
    connection: duckdb.DuckDBPyConnection,
    client: "MlflowClient",
    portfolio: Portfolio,
    versions: Versions,
) -> PairedScores:
    """Both versions on the challenger's hold-out, each with its own features."""
    control_number, challenger_number = versions
    control = load_version(client, portfolio, control_number)
    challenger = load_version(client, portfolio, challenger_number)

    # The challenger's, as a rule the newer one: it may have been fitted on the control's hold-out.
    own = challenger.holdout(connection)
    seen_by_control = challenger.holdout_as_seen_by(connection, control)
    of_control = control.model.churn_probability(seen_by_control.features)
    of_challenger = challenger.model.churn_probability(own.features)
    return PairedScores(
        churned=own.churned,
        control=of_control,
        challenger=of_challenger,
        control_threshold=control.record.threshold,
        challenger_threshold=challenger.record.threshold,
    )


def spread_of(spec: ExperimentSpec, scores: PairedScores, economics: Economics) -> Spread:
    """The spread of the spec's primary metric on customers of the past."""
    if spec.primary_metric == "list_profit_eur":
        return list_spread(spec, scores, economics)

    if spec.primary_metric == "auc":
        found = auc_difference(scores)
    else:
        found = profit_difference(scores, economics)
    return Spread(
        customers=len(scores),
        paired=found.variance,
        split=found.split_variance,
    )


def list_spread(spec: ExperimentSpec, scores: PairedScores, economics: Economics) -> Spread:
    """The spread of the profit per customer drawn, between lists as long as the control's.

    What a customer brings is the value where the customer stays, so its variance is that of staying
    among the customers on whom the lists differ; half of them are drawn to each.
    """
    customers = len(scores)
    is_above = scores.control >= scores.control_threshold
    # A list of one at the least: a threshold above every score would list nobody.
    share = max(float(is_above.mean()), 1 / customers)
    differs = _is_listed(scores.control, share) != _is_listed(scores.challenger, share)
    drawn = int(differs.sum())
    if not drawn:
        raise ExperimentError(
            f"experiment {spec.name}: both versions list the same customers, so no one is drawn; "
            "name another challenger"
        )

    # 4: the variance of a difference of two means, each of half of the customers.
    paired = 4 * _spread_of_value(scores.churned[differs], economics) / drawn
    everyone = 4 * _spread_of_value(scores.churned, economics) / customers
    # In EUR per customer drawn, as the metric is: a split spreads the same sum over everybody.
    diluted = (customers / drawn) ** 2
    return Spread(
        customers=customers,
        paired=paired,
        split=everyone * diluted,
    )


def _is_listed(probability: np.ndarray, share: float) -> np.ndarray:
    is_listed = np.zeros(len(probability), dtype=bool)
    is_listed[top(probability, share=share)] = True
    return is_listed


def _spread_of_value(churned: np.ndarray, economics: Economics) -> float:
    rate = float(churned.mean())
    value = economics.acquisition_cost_eur**2 * rate * (1 - rate)
    # Contacted or not is one in two at the worst, of which the variance is a quarter.
    contact = economics.contact_cost_eur**2 / 4
    return value + contact


def _customers_per_month(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> int:
    table = f"{portfolio.name}.churn_labels"
    if not table_exists(connection, table):
        return 0

    newest = f"select max(month) from {table}"
    query = f"select count(*) from {table} where month = ({newest})"
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate has a row"
    customers: int = row[0]
    return customers
