"""The simulated world as the tables of nordtel, an operator with a database of its own: other
names, units, levels and times than the landing contract, no app, and some rows that are broken.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from churn_platform.sql import literal

ZONE = "Europe/Berlin"
DIRTY_PER_THOUSAND = 5
# What the simulator calls an instant is the time on nordtel's own clocks: so its months are those
# of the zone, and the true probabilities are of the same months.
CUSTOMERS = """
    select
        last_day(strptime(regexp_extract(filename, '(\\d+-\\d+)\\.parquet', 1), '%Y-%m')) as stand,
        customer_id as kundennummer,
        phone_number as rufnummer,
        signup_date as activated,
        -- as a system writes that pads text to a fixed length, now and then
        {status} || case when {is_dirty} then '  ' else '' end as zustand,
        churn_date as kuendigungsdatum,
        {contract_type} as tarif_typ,
        strftime(contract_end_date, '%d.%m.%Y') as laufzeit_ende,
        {payment_method} as zahlungsart,
        age_group::varchar as altersgruppe,
        {gender} as geschlecht,
        {region} as bundesland,
        round(plan_monthly_eur * 100)::bigint as grundgebuehr_ct,
        (hash(customer_id) % 40)::integer as filiale
    from {files}
"""
PAYMENTS = """
    select
        transaction_id as booking_id,
        customer_id as kundennummer,
        strftime(transacted_at, '%d.%m.%Y %H:%M:%S') as booked_at,
        {transaction_type} as booking_type,
        case when {is_dirty} then 'n/a' else replace(printf('%.2f', amount_eur), '.', ',') end
            as betrag,
        days_late as days_overdue,
        {is_failed} as bounced
    from {files}
"""
CALLS = """
    select
        record_id as record_no,
        customer_id as kundennummer,
        started_at as call_start,
        case when {is_dirty} then '?' else {record_type} end as service_type,
        {is_outgoing} as outgoing,
        contact_number as b_number,
        duration_s / 60 as dauer_min,
        data_mb * 1000 as volume_kb,
        {is_international} as abroad,
        {is_dropped} as drop_flag
    from {files}
"""
TICKETS = """
    select
        ticket_id as ticket_no,
        customer_id as kundennummer,
        opened_at at time zone '{zone}' as opened,
        case when {is_dirty} then '??' else {category} end as topic,
        escalated_at at time zone '{zone}' as escalated,
        resolved_at at time zone '{zone}' as closed_at
    from {files}
"""
# By table of nordtel: that of the simulator, its key, and how the rows are made.
TABLES = {
    "crm.kunden": ("customers", "customer_id", CUSTOMERS),
    "billing.zahlungen": ("transactions", "transaction_id", PAYMENTS),
    "rating.verbindungen": ("cdr", "record_id", CALLS),
    "care.tickets": ("support_tickets", "ticket_id", TICKETS),
}
YES_NO = {"true": "J", "false": "N"}
LEVELS: Mapping[str, Mapping[str, str]] = {
    "status": {"active": "A", "churned": "X"},
    "contract_type": {
        "prepaid": "PRE",
        "month_to_month": "M2M",
        "one_year": "12M",
        "two_year": "24M",
    },
    "payment_method": {
        "direct_debit": "SEPA",
        "credit_card": "CC",
        "bank_transfer": "BT",
        "cash": "BAR",
    },
    "gender": {"female": "W", "male": "M", "undisclosed": "D"},
    "region": {
        "north_west": "Bremen",
        "north_east": "Sachsen",
        "centre": "Hessen",
        "south": "Bayern",
        "islands": "Hamburg",
    },
    "transaction_type": {"monthly_fee": "FEE", "top_up": "TOPUP", "add_on": "OPTION"},
    "is_failed": YES_NO,
    "record_type": {"voice": "V", "sms": "T", "data": "D"},
    "is_outgoing": YES_NO,
    "is_international": YES_NO,
    "is_dropped": YES_NO,
    "category": {
        "billing": "BILL",
        "network": "NET",
        "contract": "CON",
        "device": "DEV",
        "complaint": "CMP",
    },
}
# A table that has nothing to do with churn, as every database has some.
SHOPS = """
    select number::integer as filiale, '09:00' as opens, 'Marktplatz ' || number as street
    from range(40) as numbers(number)
"""


def write_nordtel(
    connection: duckdb.DuckDBPyConnection, landed: Path, *, database: str
) -> dict[str, int]:
    """Write the landed files of a simulated world to the database that is attached under that name;
    rows by table.
    """
    rows = {}
    for target, (table, key, select) in TABLES.items():
        schema, _, _ = target.partition(".")
        connection.execute(f"create schema if not exists {database}.{schema}")
        files = literal(landed / table / "*.parquet")
        statement = select.format(
            files=f"read_parquet({files}, filename = true)",
            is_dirty=f"hash({key}) % 1000 < {DIRTY_PER_THOUSAND}",
            zone=ZONE,
            **_cases(),
        )
        connection.execute(f"create table {database}.{target} as {statement}")
        counted = connection.execute(f"select count(*) from {database}.{target}").fetchone()
        assert counted is not None
        rows[target] = counted[0]

    connection.execute(f"create table {database}.crm.filialen as {SHOPS}")
    return rows


def _cases() -> dict[str, str]:
    """SQL for nordtel's level of each of the contract's."""
    cases = {}
    for column, levels in LEVELS.items():
        whens = []
        for level, own in levels.items():
            whens.append(f"when {literal(level)} then {literal(own)}")
        cases[column] = f"(case {column}::varchar {' '.join(whens)} end)"
    return cases
