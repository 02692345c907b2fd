"""Names, texts and paths come through SQL as they are."""

from pathlib import Path

import duckdb
import pytest

from churn_platform.months import zone_offsets
from churn_platform.sql import (
    identifier,
    literal,
    literals,
    local_time,
    read_csv,
    read_parquet,
    select_list,
)

ODD = 'Kunde\'s "v[2]" *x?'


def test_texts_and_names_come_back_as_they_are():
    """A literal is the value, an identifier the name, whatever quotation marks they have."""
    shown = duckdb.execute(
        f"select {literal(ODD)} as {identifier(ODD)}, [{literals(['a', ODD])}] as two"
    )
    assert [column[0] for column in shown.description] == [ODD, "two"]
    assert shown.fetchone() == (ODD, ["a", ODD])


def test_expressions_are_selected_under_their_names():
    """Each expression becomes a column of its name, in the given order."""
    shown = duckdb.execute(f"select {select_list({ODD: '1 + 1', 'b': literal('x')})}")
    assert [column[0] for column in shown.description] == [ODD, "b"]
    assert shown.fetchone() == (2, "x")


@pytest.mark.parametrize("odd", ["v[2]", "Kunde's", "v*", "v?", ODD])
def test_files_are_read_by_path_and_never_by_pattern(tmp_path: Path, odd: str):
    """A folder's brackets stand for themselves: files of a folder that the pattern would match stay
    out.
    """
    for folder, value in ((odd, 1), ("v2", 2)):
        (tmp_path / folder).mkdir(exist_ok=True)
        duckdb.execute(
            f"copy (select {value} as x) to {literal(tmp_path / folder / 'a.parquet')} (format "
            "parquet)"
        )
        (tmp_path / folder / "a.csv").write_text(f"x\n{value}\n")
    assert duckdb.execute(
        f"select x from {read_parquet(tmp_path / odd / 'a.parquet')}"
    ).fetchall() == [(1,)]
    assert duckdb.execute(
        f"select x from {read_csv(tmp_path / odd / 'a.csv', 'header = true')}"
    ).fetchall() == [(1,)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_offsets_tell_the_time_that_the_database_of_zones_tells(zone: str):
    """Every half hour of two years, with both changes of the clock in each; older ones, too."""
    offsets = zone_offsets(zone)
    until_2026 = [each for each in offsets if each[0].year < 2026][-4:]
    (wrong,) = duckdb.execute(
        f"select count(*) from (select timestamp '2023-06-01' + to_minutes(30 * range) as at_utc "
        "from range(45000)) where "
        f"{local_time('at_utc', zone, until_2026)} "
        f"is distinct from timezone({literal(zone)}, timezone('UTC', at_utc))"
    ).fetchone() or (None,)
    assert wrong == 0
