"""The month's customers as the campaign sees them: filtered, sorted, counted, as a file."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import msgspec

from serving.page.bundle import Month

PAGE_ROWS = 50
SORTS = {
    "rank": "list_rank",
    "risk": "churn_probability",
    "profit": "expected_profit_eur",
    "value": "customer_value_eur",
    "customer": "customer_id",
}
DESCENDING = ("risk", "profit", "value")
COLUMNS = (
    *("list_rank", "customer_id", "decision", "offer", "channel", "risk_tier"),
    *("churn_probability", "previous_probability", "expected_profit_eur", "contact_cost_eur"),
    *("customer_value_eur", "ranks_beyond", "shortfall_eur", "reasons"),
)
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")


class Filter(msgspec.Struct, frozen=True):
    """Which customers, in which order; empty means all."""

    decision: str = ""
    tier: str = ""
    offer: str = ""
    newly: bool = False
    sort: str = "rank"
    page: int = 0


def filter_of(query: Mapping[str, Any]) -> Filter:
    """The filter in an address; what it does not know it leaves out."""
    sort = str(query.get("sort", "rank"))
    page = str(query.get("page", "0"))
    return Filter(
        decision=str(query.get("decision", "contact")),
        tier=str(query.get("tier", "")),
        offer=str(query.get("offer", "")),
        newly=query.get("newly") == "1",
        sort=sort if sort in SORTS else "rank",
        page=int(page) if page.isdecimal() and len(page) < 7 else 0,
    )


def count_customers(month: Month, wanted: Filter) -> int:
    """How many customers fit."""
    where, values = _where(wanted)
    row = month.row(f"select count(*) as found from customers where {where}", values)
    return row["found"] if row else 0


def read_customers(month: Month, wanted: Filter, *, every: bool = False) -> list[dict[str, Any]]:
    """A page of the customers who fit, or every one of them."""
    where, values = _where(wanted)
    direction = "desc" if wanted.sort in DESCENDING else "asc"
    limit = "" if every else f"limit {PAGE_ROWS} offset {wanted.page * PAGE_ROWS}"
    return month.rows(
        f"select {', '.join(COLUMNS)} from customers where {where} "
        f"order by {SORTS[wanted.sort]} {direction} nulls last, customer_id {limit}",
        values,
    )


def lift_by_decile(month: Month) -> list[dict[str, Any]]:
    """Expected churn of each tenth of the ranking over that of all."""
    return month.rows(
        "select decile, avg(churn_probability) "
        "/ (select avg(churn_probability) from customers) as lift "
        "from customers group by decile order by decile"
    )


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV. A text that a spreadsheet would take for a formula is led by an apostrophe
    (OWASP, "CSV injection").
    """
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in COLUMNS])
    return written.getvalue()


def masked_id(customer_id: str) -> str:
    """An id for who has no need of it: its last quarter, three signs at most."""
    shown = min(3, len(customer_id) // 4)
    return "***" + (customer_id[-shown:] if shown else "")


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "; ".join(value)
    if isinstance(value, str) and value.startswith(FORMULA_SIGNS):
        return f"'{value}"
    return value


def _where(wanted: Filter) -> tuple[str, list[Any]]:
    conditions, values = ["true"], []
    for column, value in (
        ("decision", wanted.decision),
        ("risk_tier", wanted.tier),
        ("offer", wanted.offer),
    ):
        if value:
            conditions.append(f"{column} = ?")
            values.append(value)
    if wanted.newly:
        conditions.append("is_newly_at_risk")
    return " and ".join(conditions), values
