"""A lake says which version its tables have; newer code brings it forward, older code refuses."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import duckdb
import pytest

from churn_platform.errors import WarehouseError
from churn_platform.sql import literal
from churn_platform.warehouse import schema_version
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import CATALOG, Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.lock import writer_lock
from churn_platform.warehouse.quiet import connect_quietly
from churn_platform.warehouse.schema_version import Step, newest, read_version, release
from churn_platform.warehouse.tables import replace_month, write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

ROWS = "select unnest([month_of, month_of]) as month, unnest([1, 2]) as x"


@pytest.fixture
def old_lake(lake: Lake) -> Lake:
    """A lake with a month, made by the statements of commit c57a04c5, the last one before lakes
    had a version.
    """
    with closing(connect_quietly(lake.config())) as connection:
        connection.execute(
            f"attach {literal(f'ducklake:{lake.catalog}')} as lake (DATA_PATH {literal(lake.files)}"
            ", OVERRIDE_DATA_PATH true, META_BUSY_TIMEOUT 5000, META_JOURNAL_MODE 'WAL')"
        )
        connection.execute("use lake")
        connection.execute("begin")
        connection.execute("call lake.set_commit_message('churn_platform', 's.t 2025-01')")
        connection.execute("create schema if not exists s")
        connection.execute('create table s.t ("month" date, "x" integer)')
        connection.execute("alter table s.t set partitioned by (month)")
        connection.execute("delete from s.t where month = ? and true", [JANUARY])
        connection.execute(f"insert into s.t by name {rows_of(JANUARY)}")
        connection.execute("commit")
        # As every release has done at the first housekeeping: small months leave the catalog.
        connection.execute("from ducklake_flush_inlined_data('lake')").fetchall()
    return lake


def rows_of(month: object) -> str:
    """A query of two rows of a month."""
    return ROWS.replace("month_of", f"date '{month}'")


def rows(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    """All that the table holds."""
    return connection.execute("select month, x from s.t order by all").fetchall()


def version_of(lake: Lake) -> int:
    """What the lake's catalog notes."""
    with closing(connect(lake, read_only=True)) as connection:
        return read_version(connection, CATALOG).version


def test_a_lake_of_before_goes_on_and_is_brought_forward_once(old_lake, caplog):
    """Its rows are read and its months replaced without any command; the message comes once."""
    with closing(connect(old_lake)) as connection:
        assert rows(connection) == [(JANUARY, 1), (JANUARY, 2)]
        assert read_version(connection, CATALOG).version == newest() > schema_version.FIRST
        for month in (JANUARY, FEBRUARY):
            write(
                connection,
                old_lake,
                lambda month=month: replace_month(connection, "s.t", month, rows_of(month)),
            )
        assert len(rows(connection)) == 4
        assert find_damage(old_lake, lake_files(connection, old_lake)) == []
    with closing(connect(old_lake)):
        pass
    (told,) = caplog.messages
    assert told.startswith(f"the warehouse {old_lake.catalog} was brought from schema 1 to 2 (2: ")


def test_a_reader_leaves_an_older_lake_as_it_is(old_lake):
    """It may lack the right to write."""
    with closing(connect(old_lake, read_only=True)) as connection:
        assert len(rows(connection)) == 2
    assert version_of(old_lake) == schema_version.FIRST


def test_a_new_lake_has_the_newest_version_without_a_word(lake, caplog):
    """There is nothing to bring forward."""
    connect(lake).close()
    assert version_of(lake) == newest()
    assert caplog.messages == []


@pytest.fixture
def release_before(old_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake that the next release has written, opened by this one."""
    with monkeypatch.context() as patch:
        steps = (*schema_version.STEPS, Step(newest() + 1, "s.t gains y", add_y))
        patch.setattr(schema_version, "STEPS", steps)
        patch.setattr(schema_version, "release", lambda: "9.9.9")
        connect(old_lake).close()
    yield old_lake


def add_y(connection: duckdb.DuckDBPyConnection) -> None:
    """A step of a release to come."""
    connection.execute("alter table s.t add column if not exists y integer")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_lake_is_refused_by_name(release_before, read_only):
    """The message has both versions, both releases and what to do."""
    with pytest.raises(WarehouseError) as told:
        connect(release_before, read_only=read_only)
    for part in (
        f"{release_before.catalog} has schema 3, written by churn-platform 9.9.9,",
        f"churn-platform {release()}, knows schema 2",
        "`git pull && make setup`",
        "`churn restore --name`",
    ):
        assert part in str(told.value)


def test_steps_that_were_cut_short_run_again(old_lake, monkeypatch):
    """The version is noted last: after a kill between a step and the note all steps run again, and
    nothing is lost.
    """
    steps = (*schema_version.STEPS, Step(newest() + 1, "s.t gains y", add_y))
    monkeypatch.setattr(schema_version, "STEPS", steps)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(schema_version, "_note", interrupted)
        connect(old_lake)
    assert version_of(old_lake) == schema_version.FIRST
    with closing(connect(old_lake)) as connection:
        columns = connection.execute("describe s.t").fetchall()
        assert [column[0] for column in columns] == ["month", "x", "y"]
        assert rows(connection) == [(JANUARY, 1), (JANUARY, 2)]
    assert version_of(old_lake) == 3


def interrupted(*_: object) -> None:
    """Ctrl-C."""
    raise KeyboardInterrupt


def test_a_writer_may_open_an_older_lake(old_lake):
    """Bringing it forward takes the writers' lock, which the writer holds already."""
    impatient = replace(old_lake, wait_seconds=0.2)
    with writer_lock(impatient), closing(connect(impatient)):
        pass
    assert version_of(old_lake) == newest()


def test_a_lake_on_postgres_has_a_version(lake, new_catalog):
    """In the catalog's own table, as in SQLite."""
    on_postgres = replace(lake, catalog=new_catalog)
    connect(on_postgres).close()
    assert version_of(on_postgres) == newest()
