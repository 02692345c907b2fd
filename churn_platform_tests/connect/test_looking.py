"""What a source holds, by table and by set of files."""

import pytest

from churn_platform.connect.looking import look, month_pattern
from churn_platform.portfolios.sources import FilesSource, SqliteSource
from churn_platform.sources.open_source import opened_source


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("cdr/2026-05.parquet", "cdr/{month}.parquet"),
        ("cdr/2026/05/part-0001.parquet", "cdr/{year}/{mm}/part-*.parquet"),
        ("cdr/year=2026/month=05/1.parquet", "cdr/year={year}/month={mm}/*.parquet"),
        ("usage_202605.csv", "usage_{year}{mm}.csv"),
        ("usage_20260531_2.csv", "usage_{year}{mm}*_*.csv"),
        ("calls/2026-05-31.json", "calls/{month}*.json"),
        ("customers.csv", "customers.csv"),
    ],
)
def test_the_month_is_found_in_a_path(path, pattern):
    """A day is a part of its month; further numbers are left open."""
    assert month_pattern(path) == pattern


def test_a_table_is_sampled(database, resources):
    """Its columns, different values, and whether a column is unique."""
    with opened_source("crm", SqliteSource(kind="sqlite", path=str(database)), resources) as opened:
        tables = {table.name: table for table in look(opened)}
    assert set(tables) == {"kunden", "verbindungen", "shop_opening_hours"}
    columns = {column.name: column for column in tables["kunden"].columns}
    assert columns["tarif_typ"].levels == ["PRE", "M2M", "12M", "24M"]
    assert columns["kundennummer"].is_unique and columns["kundennummer"].levels == []


def test_files_of_all_months_are_one_set(tmp_path, resources):
    """Named by what the path says besides the month."""
    folder = tmp_path / "drop" / "calls"
    folder.mkdir(parents=True)
    for month in ("2026-04", "2026-05"):
        (folder / f"{month}.csv").write_text("call_id,dauer\nC1,5\n")
    spec = FilesSource(kind="files", location=str(tmp_path / "drop"))
    with opened_source("drop", spec, resources) as opened:
        (table,) = look(opened)
    assert (table.key, table.place, table.name) == ("path", "calls/{month}.csv", "calls")
    assert [column.name for column in table.columns] == ["call_id", "dauer"]
    assert table.columns[0].rows == 2
