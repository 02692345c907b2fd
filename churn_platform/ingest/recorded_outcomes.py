"""What agents recorded on the page, in the tables that a campaign reads.

The rows are in `<portfolio>.recorded_outcomes`, where a log's ledger puts each exactly once. From
there they join what the operator delivered: a contact for each offer, a preference for each
customer who refuses contacts. A month that is delivered again joins them again.
"""

from datetime import date

import duckdb

from churn_platform.months import zone_offsets
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.outcome_log import ACCEPTED, DECLINED, NOT_OFFERED
from churn_platform.sql import identifier, local_time
from churn_platform.warehouse.tables import read_columns, table_exists

OUTCOMES_TABLE = "recorded_outcomes"
OUTCOME_COLUMNS = {
    "month": "date",
    "recorded_at": "timestamp",
    "outcome_id": "varchar",
    "customer_id": "varchar",
    "agent": "varchar",
    "channel": "varchar",
    "offer": "varchar",
    "answer": "varchar",
    "reason": "varchar",
    "call_back_on": "date",
    "do_not_contact": "boolean",
    "segment": "varchar",
}
CONTACTS, PREFERENCES = "campaign_contacts", "contact_preferences"


def join_recorded(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date) -> None:
    """Bring the recorded outcomes of a month into the contacts and preferences that have landed.
    To be called in a transaction; calling it again changes nothing.

    A contact that the operator delivered, too, of the same customer, offer and day, is not added.
    """
    recorded = f"{portfolio.name}.{OUTCOMES_TABLE}"
    if not table_exists(connection, recorded):
        return
    contacts, preferences = (f"{portfolio.raw_schema}.{name}" for name in (CONTACTS, PREFERENCES))
    if table_exists(connection, contacts):
        _join_contacts(connection, contacts, recorded, month, portfolio.timezone)
    if table_exists(connection, preferences):
        _join_preferences(connection, preferences, recorded, month)


def refusing_sql(connection: duckdb.DuckDBPyConnection, portfolio: Portfolio) -> str | None:
    """Query for the customers who refused contacts on the page, at any time; None if no one can
    have recorded that.
    """
    recorded = f"{portfolio.name}.{OUTCOMES_TABLE}"
    if not table_exists(connection, recorded):
        return None
    return f"select distinct customer_id from {recorded} where do_not_contact"


def _join_contacts(
    connection: duckdb.DuckDBPyConnection,
    contacts: str,
    recorded: str,
    month: date,
    timezone: str,
) -> None:
    # A day is the operator's own, as its contacts are landed.
    offsets = zone_offsets(timezone)
    delivered_at = local_time("delivered.contacted_at", timezone, offsets)
    made_at = local_time("made.recorded_at", timezone, offsets)
    of_month = f"(from {recorded} where month = $month and answer <> '{NOT_OFFERED}')"
    made = {
        "month": "month",
        "contact_id": "outcome_id",
        "customer_id": "customer_id",
        "contacted_at": "recorded_at",
        "channel": "channel",
        "offer": "offer",
        "is_accepted": (
            f"case answer when '{ACCEPTED}' then true when '{DECLINED}' then false end"
        ),
    }
    there = [name for name in read_columns(connection, contacts) if name in made]
    columns = ", ".join(f"{made[name]} as {identifier(name)}" for name in there)
    known = {"month": month}
    connection.execute(
        f"delete from {contacts} where month = $month "
        f"and contact_id in (select outcome_id from {of_month})",
        known,
    )
    connection.execute(
        f"insert into {contacts} by name "
        f"with delivered as (from {contacts} where month = $month) "
        f"select {columns} from {of_month} as made where not exists ("
        "select 1 from delivered where delivered.customer_id = made.customer_id "
        "and delivered.offer = made.offer "
        f"and ({delivered_at})::date = ({made_at})::date)",
        known,
    )


def _join_preferences(
    connection: duckdb.DuckDBPyConnection, preferences: str, recorded: str, month: date
) -> None:
    # All that were recorded so far, not of the month alone: the operator's next delivery may not
    # know yet what a customer told an agent.
    refusing = f"select customer_id from {recorded} where do_not_contact and month <= $month"
    of_month = f"(from {preferences} where month = $month)"
    known = {"month": month}
    connection.execute(
        f"update {preferences} set is_opted_out = true where month = $month "
        f"and not coalesce(is_opted_out, false) and customer_id in ({refusing})",
        known,
    )
    connection.execute(
        f"insert into {preferences} by name select distinct $month::date as month, customer_id, "
        f"true as is_opted_out from ({refusing}) as refusing "
        f"where not exists (select 1 from {of_month} as there "
        "where there.customer_id = refusing.customer_id) "
        f"and (exists (select 1 from {of_month}) or exists (select 1 from {recorded} "
        "where do_not_contact and month = $month))",
        known,
    )
