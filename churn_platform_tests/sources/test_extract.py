"""One month of an operator's own table becomes a landed file, or an error names what is wrong."""

import re
from contextlib import closing
from datetime import date, datetime

import duckdb
import pytest

from churn_platform.errors import MappingError, SourceError, SourceUnreachableError
from churn_platform.ingest.load import load_month
from churn_platform.sources import failures
from churn_platform.sql import read_parquet
from churn_platform.warehouse.lake import connect
from churn_platform_tests.support.own_operator import MAY


def rows(path) -> list[tuple]:
    """Every row of a landed file."""
    return duckdb.sql(f"select * from {read_parquet(path)} order by all").fetchall()


def test_a_month_is_mapped_to_the_contract(own):
    """Names, cents, minutes, levels, booleans, dates and local times; the month is the operator's
    own, so half past midnight in Berlin is May's.
    """
    customers = own.extract("customers")
    assert rows(customers.file) == [
        ("S1", "+393331110001", 19.99, date(2020, 2, 3)),
        ("S2", "+393331110002", 5.0, None),
    ]
    calls = own.extract("calls")
    late, early = datetime(2026, 5, 31, 21, 59, 59), datetime(2026, 4, 30, 22, 30)
    assert rows(calls.file) == [
        ("K1", "S1", early, "+393339990001", 90, True, "voice"),
        ("K2", "S2", late, None, 0, False, "sms"),
    ]
    assert calls.file == own.folder / "landing" / "own" / "calls" / "2026-05.parquet"


def test_the_file_takes_the_place_of_what_had_landed(own):
    """A month has one file, whatever its kind was before; no draft stays."""
    folder = own.folder / "landing" / "own" / "calls"
    folder.mkdir(parents=True)
    (folder / "2026-05.csv").write_text("old")
    own.extract("calls")
    assert [path.name for path in folder.iterdir()] == ["2026-05.parquet"]


def refused(own, table: str, kind: type[Exception] = MappingError, month: date = MAY) -> str:
    """The message of a refusal, after making sure that what had landed is as it was."""
    folder = own.folder / "landing" / "own" / table
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "2026-05.csv").write_text("what had landed")
    with pytest.raises(kind) as error:
        own.extract(table, month)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "2026-05.csv": "what had landed"
    }
    return str(error.value)


def line_of(own, text: str) -> int:
    """The line of the spec with that text."""
    lines = own.spec_file.read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if text in line)


def test_a_new_level_is_named_with_its_line(own):
    """Column, number, value and the line of the spec that is to be corrected."""
    own.execute("insert into usage values ('K9','S1','2026-05-09 10:00:00',null,1,'N','MMS')")
    said = refused(own, "calls")
    assert said.startswith(f"{own.spec_file}:{line_of(own, '      kind:')}: column kind of calls")
    assert "1 of 3 values of art in usage cannot be mapped to one of voice, sms" in said
    assert said.endswith("e.g. MMS")


def with_many_calls(own, *broken: tuple) -> None:
    """Give the operator 40 sound calls in May, and some that are not."""
    own.execute("delete from usage")
    row = "('{}', 'S1', '2026-05-09 10:00:00', null, '{}', 'N', {})"
    for number in range(40):
        own.execute(f"insert into usage values {row.format(number, 1, repr('V'))}")
    for number, (minutes, kind) in enumerate(broken):
        own.execute(f"insert into usage values {row.format(f'B{number}', minutes, kind)}")


def test_a_few_rows_that_cannot_be_read_are_set_aside(own):
    """Strange values, and missing ones that the contract wants, up to the share of the spec."""
    with_many_calls(own, ("ten", "'V'"), ("1", "null"))
    own.origin("calls")["set_aside"] = 0.05
    extracted = own.extract("calls")
    assert (extracted.rows, extracted.set_aside) == (40, 2)
    assert len(rows(extracted.file)) == 40


def test_more_than_a_few_refuse_the_month(own):
    """By the values, and by the share that the spec allows."""
    with_many_calls(own, ("1", "'?'"), ("1", "'?'"))
    own.origin("calls")["set_aside"] = 0.04
    said = refused(own, "calls")
    assert "2 of 42 values of art in usage cannot be mapped" in said
    assert "2 of 42 rows of usage cannot be read; set_aside: leaves out 4.0% at most" in said


def test_every_wrong_column_is_named_at_once(own):
    """A person corrects the spec once, not once for each column."""
    own.execute("update usage set broken = 'X', minutes = 'ten' where no = 'K1'")
    lines = refused(own, "calls").splitlines()
    assert [re.search(r"column (\w+) of", line)[1] for line in lines] == [
        "duration_s",
        "is_dropped",
    ]


def test_no_phone_number_is_shown(own):
    """Nor quoted from a column that is kept as a hash."""
    contact = next(each for each in own.given["tables"][1]["columns"] if each["name"] == "contact")
    contact["levels"] = ["+390"]
    said = refused(own, "calls")
    assert "column contact" in said and "e.g. a number that is not shown" in said
    assert "+39333" not in said


def test_a_renamed_column_is_named_with_its_line(own):
    """The line is that of the mapping that names the old column."""
    own.execute("alter table usage rename column minutes to mins")
    said = refused(own, "calls")
    assert said.startswith(f"{own.spec_file}:{line_of(own, 'duration_s:')}: usage has no column")
    assert "'minutes'" in said and "mins" in said


def test_a_column_without_a_mapping_is_named(own):
    """With those that the table has."""
    del own.origin("customers")["columns"]["plan_eur"]
    said = refused(own, "customers")
    assert "column plan_eur of customers is not mapped" in said and "tariff_ct" in said


def test_a_month_that_is_not_there_is_named(own):
    """An empty month is a missing delivery, not a month without customers."""
    said = refused(own, "customers", SourceError, date(2026, 3, 1))
    assert "source crm has no row of 2026-03 in subscribers" in said


def test_a_wrong_zone_is_named(own):
    """A query that cuts months by local time, read as UTC, gives events of the month before."""
    origin = own.origin("calls")
    del origin["table"]
    origin["columns"]["started_at"] = "begun"
    origin["query"] = "select * from usage where begun >= '{month_start}' and begun < '{month_end}'"
    said = refused(own, "calls")
    assert "1 events are outside 2026-05 of Europe/Berlin" in said
    assert "is UTC the zone of these times? correct timezone:" in said


def test_a_zone_that_the_times_have_themselves_is_not_contradicted(own):
    """Only one of the two can be right."""
    origin = own.origin("calls")
    del origin["table"]
    origin["query"] = (
        "select * replace (begun::timestamptz as begun) from usage "
        "where begun >= '{month_start}' and begun < '{month_end}'"
    )
    assert "timezone: Europe/Berlin contradicts it" in refused(own, "calls")


def test_a_table_that_tells_no_month_is_read_for_the_newest_alone(own):
    """What stands there now was not so in an earlier month."""
    origin = own.origin("customers")
    del origin["period"], origin["period_format"]
    own.execute("delete from subscribers where stand = '2026-04'")
    assert "can be read for 2026-06 alone, not for 2026-05" in refused(own, "customers")
    assert own.extract("customers", date(2026, 6, 1)).rows == 2


def test_an_unreachable_source_is_tried_again_and_named(own, monkeypatch):
    """One clear error, after as many tries as the spec says."""
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(failures, "LONGEST_WAIT_SECONDS", 0)
    own.given["sources"]["crm"] |= {"path": str(own.folder / "gone.db"), "attempts": 3}
    said = refused(own, "calls", SourceUnreachableError)
    assert "source crm does not answer" in said and "nothing was changed" in said


def test_files_with_the_month_in_their_path(own):
    """CSV, its values mapped as those of a database are."""
    own.given["sources"]["drop"] = {"kind": "files", "location": str(own.folder)}
    origin = own.origin("calls")
    del origin["table"]
    origin |= {"source": "drop", "path": "drop/{year}/{mm}/*.csv"}
    day = own.folder / "drop" / "2026" / "05"
    day.mkdir(parents=True)
    head = "no;subscriber;begun;other;minutes;broken;art\n"
    (day / "01.csv").write_text(head + "K1;S1;2026-05-01 00:30:00;;1,5;J;V\n")
    (day / "02.csv").write_text(head + "K2;S2;2026-05-02 10:00:00;;0;N;T\n")
    origin["columns"]["duration_s"]["decimal"] = ","
    assert [row[4] for row in rows(own.extract("calls").file)] == [90, 0]
    with pytest.raises(SourceError) as error:
        own.extract("calls", date(2026, 6, 1))
    assert "source drop has no files of 2026-06: drop/{year}/{mm}/*.csv" in str(error.value)


def test_what_is_read_keeps_the_contract_of_ingest(own, lake):
    """Half past midnight of the month's first day in Berlin is no event of the month before."""
    portfolio = own.portfolio
    own.extract("customers")
    own.extract("calls")
    with closing(connect(lake)) as connection:
        for table in portfolio.tables:
            loaded = load_month(
                connection,
                lake,
                portfolio,
                table,
                MAY,
                landing_dir=own.folder / "landing",
                hash_key="k" * 32,
            )
            assert loaded.rows == 2
