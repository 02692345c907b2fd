"""A database behind an ODBC driver: SQLite's own, where the system has it."""

import ctypes.util
from pathlib import Path

import duckdb
import pytest

from churn_platform.sql import read_parquet

DRIVERS = list(Path("/usr/lib").glob("*/odbc/libsqlite3odbc.so"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DRIVERS or not ctypes.util.find_library("odbc"),
        reason="install Debian's unixodbc and libsqliteodbc",
    ),
]


@pytest.mark.parametrize("by_query", [False, True])
def test_a_month_is_read_through_a_driver(own, monkeypatch, by_query):
    """The connection string is asked of a variable; the condition is in the statement's text."""
    text = f"Driver={DRIVERS[0]};Database={own.database}"
    monkeypatch.setenv("OWN_CRM_CONNECTION", text)
    own.given["sources"]["crm"] = {"kind": "odbc", "connection": {"env": "OWN_CRM_CONNECTION"}}
    origin = own.origin("calls")
    if by_query:
        del origin["table"]
        origin["query"] = (
            "select * from usage where begun >= '{month_start}' and begun < '{month_end}'"
        )
    rows = duckdb.sql(
        f"select call_id, duration_s from {read_parquet(own.extract('calls').file)} order by 1"
    )
    assert rows.fetchall() == [("K1", 90), ("K2", 0)]
