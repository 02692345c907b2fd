"""Which landed months are taken in."""

import json
from datetime import date
from pathlib import Path

import pytest

from churn_platform.ingest.landed_months import (
    Landings,
    changed_months,
    due,
    landed_months,
    missing_tables,
)
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY

MAY = date(2025, 5, 1)
YEAR = {JANUARY: "a", FEBRUARY: "b", MARCH: "c", APRIL: "d"}


def land(folder: Path, table: str, name: str, content: str = "x") -> None:
    """Put a file into the landing folder of the tiny portfolio."""
    (folder / "tiny" / table).mkdir(parents=True, exist_ok=True)
    (folder / "tiny" / table / name).write_text(content)


def test_a_month_counts_once_every_required_table_has_landed(tmp_path: Path):
    """One table of two is no month, nor is a draft, a file of an unknown kind or a folder that is
    missing.
    """
    assert landed_months(tmp_path, TINY) == {}
    land(tmp_path, "customers", "2025-01.csv")
    land(tmp_path, "customers", "2025-02.parquet")
    land(tmp_path, "calls", "2025-02.csv.gz")
    for name in (".2025-01.unfinished", "2025-01.doc", "2025-1.csv", "2025-01-01.csv"):
        land(tmp_path, "calls", name)
    assert list(landed_months(tmp_path, TINY)) == [FEBRUARY]


def test_another_delivery_is_another_state(tmp_path: Path):
    """A file that grows, or comes in another format, changes the month; looking again does not."""
    land(tmp_path, "customers", "2025-01.csv")
    land(tmp_path, "calls", "2025-01.csv")
    first = landed_months(tmp_path, TINY)
    assert landed_months(tmp_path, TINY) == first
    land(tmp_path, "calls", "2025-01.csv", "longer")
    second = landed_months(tmp_path, TINY)
    (tmp_path / "tiny/calls/2025-01.csv").rename(tmp_path / "tiny/calls/2025-01.csv.gz")
    assert len({state[JANUARY] for state in (first, second, landed_months(tmp_path, TINY))}) == 3


def test_a_file_that_is_still_written_waits():
    """A month is taken in when two looks have found it the same."""
    assert changed_months({JANUARY: "half"}, Landings()) == []
    assert changed_months({JANUARY: "whole"}, Landings(seen={JANUARY: "half"})) == []
    assert changed_months({JANUARY: "whole"}, Landings(seen={JANUARY: "whole"})) == [JANUARY]
    assert (
        changed_months(
            {JANUARY: "whole"}, Landings(seen={JANUARY: "whole"}, taken={JANUARY: "whole"})
        )
        == []
    )


def ranges(
    taken: str, *, unfinished: str = "", broken: str = "", missing: str = ""
) -> list[tuple[date, date]]:
    """Ranges due where January to April have landed; months are named by their letters."""
    landed = {month: state for month, state in YEAR.items() if state not in missing}
    known = Landings(
        seen=landed, taken={month: state for month, state in landed.items() if state in taken}
    )
    months = {state: month for month, state in YEAR.items()}
    return due(
        landed,
        known,
        unfinished={months[state] for state in unfinished},
        broken={months[state] for state in broken},
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"taken": "abcd"}, []),
        ({"taken": "abc"}, [(APRIL, APRIL)]),
        ({"taken": "", "unfinished": "abcd"}, [(JANUARY, APRIL)]),
        ({"taken": "acd"}, [(FEBRUARY, APRIL)]),
        ({"taken": "abc", "unfinished": "bd"}, [(FEBRUARY, MARCH), (APRIL, APRIL)]),
        ({"taken": "abc", "unfinished": "cd", "broken": "c"}, [(APRIL, APRIL)]),
        ({"taken": "bcd", "broken": "c", "unfinished": "c"}, [(JANUARY, FEBRUARY)]),
        ({"taken": "abd", "broken": "c", "unfinished": "c"}, [(MARCH, APRIL)]),
        ({"taken": "", "missing": "b"}, [(JANUARY, JANUARY), (MARCH, APRIL)]),
        ({"taken": "abcd", "unfinished": "bd"}, []),
    ],
    ids=[
        "nothing is new",
        "the newest month is new",
        "a whole history is one range",
        "a month delivered again moves those after it",
        "what has failed comes along, apart from what is new",
        "a broken month is stepped over",
        "a range ends before a broken month",
        "a broken month that is delivered again is taken in, and those after it",
        "a missing month parts the range",
        "what has failed alone is not tried again",
    ],
)
def test_ranges(given: dict[str, str], expected: list[tuple[date, date]]):
    """From each changed month to the newest, in as few runs as there are gaps."""
    assert ranges(**given) == expected


def test_a_cursor_is_short_and_says_what_it_knew():
    """A month that was taken in as it was seen stands there once; ten years are short."""
    known = Landings(seen={JANUARY: "aaaa1111", FEBRUARY: "bbbb2222"}, taken={JANUARY: "aaaa1111"})
    assert known.as_cursor() == (
        '{"seen":{"2025-02-01":"bbbb2222"},"taken":{"2025-01-01":"aaaa1111"}}'
    )
    assert Landings.from_cursor(known.as_cursor()) == known


def test_a_cursor_of_an_older_version_goes_on(tmp_path: Path):
    """It has whole digests of every month, seen and taken; nothing is taken in again."""
    land(tmp_path, "customers", "2025-01.csv")
    land(tmp_path, "calls", "2025-01.csv")
    (state,) = landed_months(tmp_path, TINY).values()
    whole = {"2025-01-01": state + "0" * 56}
    known = Landings.from_cursor(json.dumps({"seen": whole, "taken": whole}))
    assert changed_months(landed_months(tmp_path, TINY), known) == []


def test_tables_that_a_begun_month_lacks(tmp_path: Path):
    """Of each month of which some required table has landed; a whole month lacks none."""
    for name in ("2025-01.csv", "2025-02.csv"):
        land(tmp_path, "customers", name)
    land(tmp_path, "calls", "2025-01.csv")
    assert missing_tables(tmp_path, TINY) == {FEBRUARY: ["calls"]}
