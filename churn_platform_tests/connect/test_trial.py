"""A month is read and checked as in earnest, and nothing of it is kept."""

from datetime import date
from types import SimpleNamespace

import duckdb

from churn_platform.connect import trial
from churn_platform.connect.trial import try_month
from churn_platform.errors import SourceError
from churn_platform_tests.support.tiny_lake import tiny_lake

MAY, JULY = date(2026, 5, 1), date(2026, 7, 1)


def test_a_month_can_be_tried_without_an_answer_by_hand(made, tmp_path, extensions, resources):
    """Rows keep the contract; three examples, phone numbers masked; nothing is kept."""
    lake = tiny_lake(tmp_path, extensions)
    tried = {
        it.table: it
        for it in try_month(
            made.portfolio,
            MAY,
            lake=lake,
            resources=resources,
            spec_file=made.path,
            today=JULY,
        )
    }
    assert {name: (it.rows, it.problem) for name, it in tried.items()} == {
        "customers": (60, ""),
        "cdr": (300, ""),
    }
    customers = tried["customers"]
    assert len(customers.examples) == 3
    phone = customers.columns.index("phone_number")
    assert [row[phone] for row in customers.examples] == ["***000", "***001", "***002"]
    assert not lake.sqlite_path.exists()
    assert list(lake.temp_dir.iterdir()) == []


def test_a_table_that_cannot_be_read_says_why(tmp_path, extensions, resources, monkeypatch):
    """No message names a folder that is gone, and the next table is tried all the same."""

    def refuse(portfolio, table, month, *, landing_dir, **given):
        raise SourceError(f"{landing_dir}/{table.name}/2026-05.parquet: broken")

    monkeypatch.setattr(trial, "extract_month", refuse)
    monkeypatch.setattr(trial, "connect", lambda lake: duckdb.connect())
    tables = [SimpleNamespace(name="customers"), SimpleNamespace(name="cdr")]
    lake = tiny_lake(tmp_path, extensions)
    tried = try_month(
        SimpleNamespace(read_tables=tables),
        MAY,
        lake=lake,
        resources=resources,
        spec_file=tmp_path / "acme.yaml",
        today=JULY,
    )
    problems = [(it.table, it.rows, it.problem) for it in tried]
    assert problems == [
        ("customers", 0, "customers/2026-05.parquet: broken"),
        ("cdr", 0, "cdr/2026-05.parquet: broken"),
    ]
    assert list(lake.temp_dir.iterdir()) == []
