"""A month takes the place of what was there of it, or nothing changes."""

import json
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from churn_platform.destinations import deliver as module
from churn_platform.destinations.deliver import deliver
from churn_platform.errors import SourceError
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sources.open_source import Resources
from churn_platform.sql import read_parquet
from churn_platform_tests.support.tiny import SPEC

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


@pytest.fixture
def portfolio(tmp_path: Path) -> Portfolio:
    """An operator with a database, a folder and an address that take results."""
    sqlite3.connect(tmp_path / "crm.db").close()
    given = {
        **SPEC,
        "sources": {
            "crm": {"kind": "sqlite", "path": str(tmp_path / "crm.db")},
            "drop": {"kind": "files", "location": str(tmp_path)},
        },
        "destinations": [
            {"name": "scores", "result": "monthly_scores", "to": "crm", "table": "scores"},
            {
                "name": "file",
                "result": "monthly_scores",
                "to": "drop",
                "path": "out/{month}.parquet",
            },
            {
                "name": "hook",
                "result": "contact_list",
                "url": {"env": "HOOK_URL"},
                "secret": {"env": "HOOK_SECRET"},
            },
        ],
    }
    return Portfolio.model_validate(given)


def rows(month: date, *customers: str) -> pa.Table:
    """A month's rows."""
    return pa.table(
        {
            "month": pa.array([month] * len(customers), pa.date32()),
            "customer_id": list(customers),
            "churn_probability": [0.5] * len(customers),
        }
    )


@pytest.fixture
def send(portfolio, tmp_path, extensions):
    """Sends a month to the destination of that name."""
    resources = Resources(extensions, tmp_path / "tmp")
    by_name = {each.name: each for each in portfolio.destinations}

    def to(name: str, month: date, table: pa.Table, **given) -> int:
        return deliver(by_name[name], portfolio, month, table, resources=resources, **given)

    return to


def in_table(tmp_path: Path) -> list[tuple]:
    """The months and customers of the operator's table."""
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        return connection.execute("select month, customer_id from scores order by 1, 2").fetchall()


def test_a_month_is_replaced_and_others_stay(send, tmp_path):
    """The table is made at first; sent again, a month has its new rows alone."""
    assert send("scores", MAY, rows(MAY, "C1", "C2")) == 2
    assert send("scores", JUNE, rows(JUNE, "C1")) == 1
    assert send("scores", MAY, rows(MAY, "C3")) == 1
    assert in_table(tmp_path) == [("2026-05-01", "C3"), ("2026-06-01", "C1")]


def test_a_wrong_number_is_undone(send, tmp_path, monkeypatch):
    """Both the deletion and the new rows."""
    send("scores", MAY, rows(MAY, "C1"))
    monkeypatch.setattr(module, "_counted", lambda connection, relation: 7)
    with pytest.raises(SourceError, match="has 7 rows of 2026-05 after 2 were written"):
        send("scores", MAY, rows(MAY, "C8", "C9"))
    assert in_table(tmp_path) == [("2026-05-01", "C1")]


def test_a_file_takes_its_place_as_a_whole(send, tmp_path):
    """With nothing beside it."""
    assert send("file", MAY, rows(MAY, "C1", "C2")) == 2
    assert send("file", MAY, rows(MAY, "C4")) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["2026-05.parquet"]
    found = duckdb.sql(f"select customer_id from {read_parquet(tmp_path / 'out/2026-05.parquet')}")
    assert found.fetchall() == [("C4",)]


def test_an_address_gets_parts_that_tell_the_whole(send, monkeypatch):
    """Each under a name by which a receiver knows it again."""
    monkeypatch.setenv("HOOK_URL", "https://dialler.example/in")
    monkeypatch.setenv("HOOK_SECRET", "geheim")
    monkeypatch.setattr(module, "ROWS_MOST", 2)
    sent = []
    count = send("hook", MAY, rows(MAY, "C1", "C2", "C3"), send=lambda *given: sent.append(given))
    assert count == 3
    assert [delivery for _, delivery, _ in sent] == ["tiny-hook-2026-05-1", "tiny-hook-2026-05-2"]
    assert {receiver.secret for receiver, _, _ in sent} == {"geheim"}
    bodies = [json.loads(body) for _, _, body in sent]
    assert [len(body["rows"]) for body in bodies] == [2, 1]
    assert {body["total"] for body in bodies} == {3}
    assert bodies[0]["rows"][0] == {
        "month": "2026-05-01",
        "customer_id": "C1",
        "churn_probability": 0.5,
    }
