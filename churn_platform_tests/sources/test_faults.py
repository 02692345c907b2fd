"""Whatever goes wrong at a source, the error names it: properties over columns, levels, months and
zones.
"""

from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from churn_platform.errors import LandingError, MappingError, SourceError
from churn_platform.ingest.file_contract import check_file
from churn_platform.months import shift
from churn_platform.portfolios.loader import read_portfolio
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sources.credentials import Credentials
from churn_platform.sources.extract import prepared, write_month
from churn_platform.sources.open_source import OpenSource
from churn_platform.sql import read_parquet
from churn_platform_tests.support.own_operator import MAY, ORIGINS
from churn_platform_tests.support.tiny import SPEC

COLUMNS = ("no", "subscriber", "begun", "other", "minutes", "broken", "art")
ZONES = ("America/Chicago", "America/St_Johns", "Asia/Kolkata", "Asia/Tokyo", "Pacific/Auckland")
FEW = settings(max_examples=6)
LEVELS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder for all examples, which leave nothing in it."""
    return tmp_path_factory.mktemp("faults")


def read(folder: Path, *changes: str, month: date = MAY, query: str = "", zone: str = "") -> str:
    """What is said when a month of calls is read after some changes; empty if nothing is wrong."""
    portfolio = operator(folder, query, zone)
    table = portfolio.table("calls")
    draft = folder / "draft.parquet"
    with closing(duckdb.connect()) as connection:
        connection.execute("attach ':memory:' as source")
        connection.execute("use source")
        connection.execute(
            "create table usage as select 'K' || i as no, 'S' || i % 9 as subscriber, "
            "timestamp '2026-04-25' + i * interval '1 hour' as begun, null::varchar as other, "
            "(i % 7)::varchar as minutes, 'J' as broken, 'V' as art from range(1000) as t(i)"
        )
        for change in changes:
            connection.execute(change)
        source = OpenSource("crm", portfolio.sources["crm"], connection, Credentials("crm"))
        try:
            spec_file = folder / "own.yaml"
            reading = prepared(
                source, portfolio, table, month, spec_file=spec_file, today=date(2026, 7, 1)
            )
            write_month(source, reading, draft, portfolio.timezone, spec_file)
            described = connection.execute(f"describe from {read_parquet(draft)}").fetchall()
            headers = {row[0]: (row[0], row[1]) for row in described}
            check_file(
                connection,
                table,
                month,
                draft,
                read_parquet(draft),
                headers,
                customers=None,
                timezone=portfolio.timezone,
            )
        except (MappingError, SourceError, LandingError) as error:
            return str(error)
        finally:
            draft.unlink(missing_ok=True)
    return ""


def operator(folder: Path, query: str, zone: str) -> Portfolio:
    """The operator whose calls are read, by a query if one is given."""
    tables = []
    for table in SPEC["tables"]:
        tables.append({**table, "from": {**ORIGINS[table["name"]]}})
    calls = tables[1]["from"]
    if query:
        del calls["table"]
        calls["query"] = query
    if zone:
        calls["columns"] = {**calls["columns"], "started_at": {"column": "begun", "timezone": zone}}
    given = {**SPEC, "name": "own", "timezone": "Europe/Berlin", "tables": tables}
    given["sources"] = {"crm": {"kind": "sqlite", "path": "crm.db"}}
    (folder / "own.yaml").write_text(yaml.safe_dump(given, sort_keys=False))
    return read_portfolio(folder / "own.yaml")


def test_a_sound_month_is_read(folder):
    """So that what the others find is the fault that they make."""
    assert read(folder) == ""


@FEW
@given(column=st.sampled_from(COLUMNS))
def test_a_renamed_column_is_named(folder, column):
    """Any that the spec maps, with its line."""
    said = read(folder, f"alter table usage rename column {column} to renamed_{column}")
    assert f"has no column '{column}'" in said
    assert f"renamed_{column}" in said
    assert str(folder / "own.yaml") + ":" in said


@FEW
@given(level=LEVELS)
def test_a_new_level_is_named(folder, level):
    """Whatever it is, unless it is one of the contract's own."""
    assume(level not in ("V", "T", "N", "NA"))
    said = read(folder, f"update usage set art = '{level}' where no = 'K300'")
    assert "column kind of calls: 1 of" in said and said.endswith(f"e.g. {level}")


@FEW
@given(change=st.sampled_from(["minutes", "begun"]), word=st.sampled_from(["x1", "ten", "1..5"]))
def test_a_changed_type_is_named(folder, change, word):
    """A number or a time that has become text."""
    said = read(
        folder,
        f"alter table usage alter {change} type varchar",
        f"update usage set {change} = '2026-05-12 {word}' where no = 'K300'",
    )
    column = {"minutes": "duration_s", "begun": "started_at"}[change]
    assert f"column {column} of calls" in said and word in said


@FEW
@given(months=st.integers(-30, 30).filter(lambda months: months not in (-1, 0, 1)))
def test_a_missing_month_is_named(folder, months):
    """Before and after those that are there."""
    month = shift(MAY, months)
    assert f"has no row of {month:%Y-%m} in usage" in read(folder, month=month)


@FEW
@given(number=st.integers(150, 800))
def test_a_duplicated_delivery_is_named(folder, number):
    """By a key that is there twice."""
    said = read(folder, f"insert into usage from usage where no = 'K{number}'")
    assert f"column call_id: 1 keys occur more than once, e.g. K{number}" in said


@FEW
@given(zone=st.sampled_from(ZONES))
def test_a_wrong_zone_is_named(folder, zone):
    """The database cuts months by the operator's own time, and the spec says another zone."""
    query = "select * from usage where begun >= '{month_start}' and begun < '{month_end}'"
    said = read(folder, query=query, zone=zone)
    assert "events are outside 2026-05 of Europe/Berlin" in said
    assert f"is {zone} the zone of these times?" in said
