"""Hands the contact list over: CSV for a spreadsheet, Parquet for a program, and what each column
means.
"""

from datetime import date
from pathlib import Path

import duckdb

from churn_platform.campaign.contact_list import CONTACT
from churn_platform.campaign.hand_over import hand_over_of
from churn_platform.markdown import Finished, escaped, table
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.atomic_files import new_folder
from churn_platform.sql import literal

CSV_FILE, PARQUET_FILE, DICTIONARY_FILE = "contact_list.csv", "contact_list.parquet", "columns.md"
TEXT = {
    "customer_id": "The operator's customer number.",
    "channel": "How to contact the customer.",
    "offer": "What to offer.",
    "risk_tier": "Risk tier of the score, from the model's thresholds.",
    "list_status": "Whether the list is as the month is scored now, and whose model made it.",
    "reason_1": "Strongest reason for the risk, for the agent's ears.",
    "reason_2": "Second reason; empty where there is none.",
    "reason_3": "Third reason; empty where there is none.",
}
NUMBERS = {
    "list_rank": "Place in the list, best first; places of the control group are missing.",
    "churn_probability": "Calibrated probability of leaving next month, 0 to 1.",
    "customer_value_eur": "Value of keeping the customer, EUR.",
    "expected_profit_eur": (
        "Probability x acceptance (or uplift, where there is one) x value - cost, EUR."
    ),
    "uplift": (
        "What the contact adds to the probability of staying, "
        "where the list is ranked by it; else empty."
    ),
    "contact_cost_eur": "Cost of the contact, EUR.",
    "model_version": "Version of the model that gave the score.",
}
ORDER = (
    *(
        "list_rank",
        "customer_id",
        "channel",
        "offer",
        "risk_tier",
        "churn_probability",
        "expected_profit_eur",
    ),
    *(
        "contact_cost_eur",
        "customer_value_eur",
        "reason_1",
        "reason_2",
        "reason_3",
        "model_version",
        "uplift",
        "list_status",
    ),
)
FORMULA = r"^[=+\-@\t\r\n]"


def export_folder(exports_dir: Path, portfolio: Portfolio, month: date) -> Path:
    """Where a month's list is handed over."""
    return exports_dir / portfolio.name / "contact_list" / label(month)


def export_contact_list(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date, exports_dir: Path
) -> Path:
    """Write the month's contacts, not its control group; returns the folder, which is replaced as a
    whole.
    """
    # In the CSV a text that a spreadsheet would take for a formula is led by an apostrophe (OWASP,
    # "CSV injection"); the Parquet file holds it as it is.
    target = export_folder(exports_dir, portfolio, month)
    status = hand_over_of(connection, portfolio, month).words
    rows = _rows_sql(portfolio, month, status)

    columns = []
    for name in ORDER:
        columns.append(_guarded(name) if name in TEXT else name)

    guarded = f"select {', '.join(columns)} from ({rows})"
    csv_options = f"format csv, header, force_quote ({', '.join(TEXT)})"
    dictionary = data_dictionary(portfolio, month, status)
    # The whole folder at once: an agent must never see a list without its dictionary, or half of
    # it.
    with new_folder(target) as draft:
        parquet_file = literal(draft / PARQUET_FILE)
        csv_file = literal(draft / CSV_FILE)
        connection.execute(f"copy ({rows}) to {parquet_file} (format parquet)")
        connection.execute(f"copy ({guarded}) to {csv_file} ({csv_options})")
        (draft / DICTIONARY_FILE).write_text(dictionary, encoding="utf-8")

    return target


def data_dictionary(portfolio: Portfolio, month: date, status: str) -> str:
    """The status of the list and the columns of the files in words, as Markdown."""
    meaning = TEXT | NUMBERS
    rows = []
    for name in ORDER:
        kind = "text" if name in TEXT else "number"
        rows.append([Finished(f"`{name}`"), kind, meaning[name]])

    title = f"# Contact list of {portfolio.title}, {label(month)}"
    columns = table(["column", "type", "meaning"], rows, align="lll")
    return "\n".join([title, "", f"The list is {escaped(status)}.", "", columns, ""])


def _rows_sql(portfolio: Portfolio, month: date, status: str) -> str:
    made = {"list_status": f"{literal(status)} as list_status"}
    for place in (1, 2, 3):
        name = f"reason_{place}"
        made[name] = f"reasons[{place}] as {name}"

    columns = ", ".join(made.get(name, name) for name in ORDER)
    return (
        f"select {columns} from {portfolio.name}.contact_list "
        f"where month = date '{month}' and role = '{CONTACT}' order by list_rank"
    )


def _guarded(name: str) -> str:
    return (
        f"case when regexp_matches({name}, '{FORMULA}') then '''' || {name} else {name} end as "
        f"{name}"
    )
