"""The rows of a month that may leave the platform."""

from datetime import date

import duckdb
import pyarrow as pa

from churn_platform.campaign.contact_list import CONTACT
from churn_platform.campaign.hand_over import HANDED_OVER, KEPT, hand_over_of
from churn_platform.ingest.recorded_outcomes import PREFERENCES, refusing_sql
from churn_platform.ingest.suppression import suppressed_among
from churn_platform.portfolios.destinations import Result
from churn_platform.portfolios.spec import Portfolio
from churn_platform.warehouse.tables import table_exists

REASONS = "reasons[1] as reason_1, reasons[2] as reason_2, reasons[3] as reason_3"
COLUMNS: dict[Result, str] = {
    "monthly_scores": (
        f"month, customer_id, churn_probability, risk_tier, decile, {REASONS}, model_version"
    ),
    "contact_list": (
        "month, customer_id, list_rank, channel, offer, churn_probability, customer_value_eur, "
        f"expected_profit_eur, contact_cost_eur, risk_tier, {REASONS}, model_version, uplift"
    ),
    "campaign_outcome": "*",
}


def result_rows(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, result: Result, month: date
) -> pa.Table | None:
    """The rows of a month, without customers who were erased or refuse contacts; None for a list
    that is not handed over.

    The connection needs the key of the hashes (`set_keys`).
    """
    condition = "month = $month"
    if result == "contact_list":
        hand_over = hand_over_of(connection, portfolio, month)
        if hand_over.state not in (HANDED_OVER, KEPT):
            return None
        # Customers of the control group must not be contacted, so they do not leave.
        condition += f" and role = '{CONTACT}'"

    # In one order always: a month that is sent again is the same, row by row.
    query = (
        f"select {COLUMNS[result]} from {portfolio.name}.{result} where {condition} order by all"
    )
    found = connection.execute(query, {"month": month}).to_arrow_table()
    # Sums over customers name none of them.
    if "customer_id" not in found.column_names:
        return found

    customers = found.column("customer_id").to_pylist()
    left_out = _left_out(connection, portfolio, customers)
    keeps = [customer not in left_out for customer in customers]
    # With its type: of no rows Arrow could not tell it.
    mask = pa.array(keeps, pa.bool_())
    return found.filter(mask)


def _left_out(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, customers: list[str]
) -> set[str]:
    """Who was erased, or said no, whenever that was: an older month that is sent again must not
    bring them back.
    """
    left_out = suppressed_among(connection, portfolio.name, customers)
    queries = []
    preferences = f"{portfolio.raw_schema}.{PREFERENCES}"
    if table_exists(connection, preferences):
        # The newest word counts: who refused may have agreed since.
        queries.append(
            f"select customer_id from {preferences} group by customer_id "
            "having arg_max(is_opted_out, month)"
        )
    if refusing := refusing_sql(connection, portfolio):
        queries.append(refusing)
    for query in queries:
        for (customer,) in connection.execute(query).fetchall():
            left_out.add(customer)
    return left_out
