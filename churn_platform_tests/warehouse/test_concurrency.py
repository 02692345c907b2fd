"""Four processes write while one reads: nothing is lost, nothing is seen half."""

import time
from contextlib import closing

from churn_platform.months import shift
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import current_snapshot, ensure_table, replace_month, write
from churn_platform_tests.support.tiny import JANUARY

WRITERS, MONTHS, ROWS = 4, 10, 20

WRITE = """
import sys
from churn_platform.months import shift
from churn_platform.warehouse.tables import replace_month, write
from churn_platform_tests.support.tiny import JANUARY
writer = int(sys.argv[1])
connection = connect(lake)
for place in range(10):
    month = shift(JANUARY, 10 * writer + place)
    rows = f"select date '{month}' as month, {writer} as x from range(20)"
    write(connection, lake, lambda: replace_month(connection, "s.t", month, rows))
"""


def test_concurrent_writers_lose_nothing_and_show_nothing_half(lake, start):
    """Every month has all its rows of one writer at every look, and all forty replacements are
    there in the end.
    """
    with closing(connect(lake)) as connection:
        write(connection, lake, lambda: fill(connection))
        before = current_snapshot(connection)
    writers = [start(WRITE, str(writer)) for writer in range(WRITERS)]
    looks = 0
    with closing(connect(lake, read_only=True)) as reader:
        while any(writer.poll() is None for writer in writers):
            assert halves(reader) == []
            looks += 1
            time.sleep(0.05)  # leaves the cores to the writers
        failures = [writer.stderr.read() for writer in writers if writer.returncode]
        months = reader.execute(
            "select month, min(x), max(x), count(*) from s.t group by month order by month"
        )
        written = months.fetchall()
        snapshots = current_snapshot(reader) - before
    assert failures == []
    assert looks > 5
    assert written == [
        (shift(JANUARY, place), place // MONTHS, place // MONTHS, ROWS)
        for place in range(WRITERS * MONTHS)
    ]
    assert snapshots == WRITERS * MONTHS


def fill(connection) -> None:
    """Every month with rows of no writer."""
    ensure_table(connection, "s.t", {"month": "date", "x": "integer"})
    for place in range(WRITERS * MONTHS):
        month = shift(JANUARY, place)
        replace_month(
            connection, "s.t", month, f"select date '{month}' as month, -1 as x from range({ROWS})"
        )


def halves(reader) -> list[tuple]:
    """Months that a reader sees incomplete, mixed or not at all."""
    seen = reader.execute(
        "select month, count(*), count(distinct x) from s.t group by month"
    ).fetchall()
    wrong = [row for row in seen if row[1:] != (ROWS, 1)]
    return wrong if len(seen) == WRITERS * MONTHS else [*wrong, (len(seen),)]


def test_processes_that_make_the_lake_at_once_agree(lake, start):
    """A lake that does not exist yet may be opened by several processes together."""
    code = "connection = connect(lake)\nprint(connection.execute('select 1').fetchall())\n"
    outcomes = [opener.communicate() for opener in [start(code) for _ in range(3)]]
    assert outcomes == [("[(1,)]\n", "")] * 3


EAGER = """
import duckdb
from churn_platform.warehouse.extensions import install_extensions
real = duckdb.connect
def eager(**options):
    connection = real(**options)
    connection.execute("set progress_bar_time = 100")
    return connection
duckdb.connect = eager
install_extensions(lake.temp_dir / "extensions")
connection = connect(lake)
print(connection.execute("select count(*) from range(100_000_000) where range % 7 = 1").fetchall())
"""


def test_no_progress_bar_is_drawn(lake, start):
    """Neither while extensions are installed or the lake is made nor by a query.

    Here it would come after a tenth of a second instead of two; after a millisecond, on a busy
    machine, the statement that turns it off would draw one itself.
    """
    assert start(EAGER).communicate() == ("[(14285715,)]\n", "")
