"""A lake with its files in an S3 store and its catalog on Postgres: real servers, few rows."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from churn_platform.errors import StoreRefusedError, StoreUnreachableError, WarehouseError
from churn_platform.graph.failure_advice import advice
from churn_platform.settings import load_settings
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store
from churn_platform.warehouse.damage import find_damage, require_sound
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.lake_notes import dropped, kept_checksums, note_dropped
from churn_platform.warehouse.maintenance import tidy
from churn_platform.warehouse.preparation import prepare
from churn_platform.warehouse.store_errors import store_error
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.s3_server import KEY_ID, SECRET_KEY
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

TABLE = "s.t"
ROWS = 5_000  # few rows alone stay in the catalog


def put_month(connection: duckdb.DuckDBPyConnection, lake: Lake, month=JANUARY, first=0) -> None:
    """Write a month of the table."""
    select = f"select date '{month}' as month, range + {first} as x from range({ROWS})"

    def work() -> None:
        ensure_table(connection, TABLE, {"month": "date", "x": "bigint"})
        replace_month(connection, TABLE, month, select)

    write(connection, lake, work)


@pytest.fixture
def store(store_lake: Lake) -> Store:
    """The store of the lake's files."""
    return open_store(store_lake.files, store_lake.store, setting="tests")


@pytest.fixture
def connection(store_lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the lake, which has one month."""
    with closing(connect(store_lake)) as opened:
        put_month(opened, store_lake)
        yield opened


def files_of(store: Store) -> set[str]:
    """The keys of the lake's files."""
    return {found.key for found in store.list()}


def test_a_month_is_in_the_store_and_nowhere_else(connection, store_lake, store, tmp_path):
    """Replaced and read as in a folder; on this machine there is no file of it."""
    put_month(connection, store_lake, first=7)
    with closing(connect(store_lake, read_only=True)) as reader:
        found = reader.execute(f"select count(*), min(x) from {TABLE}").fetchall()
    assert found == [(ROWS, 7)]
    known = {file.key for file in lake_files(connection, store_lake)}
    assert files_of(store) == known
    assert len(known) == 2
    assert list(tmp_path.rglob("*.parquet")) == []


def test_damage_in_the_store_is_found_and_healed(connection, store_lake, store):
    """A file that is missing, and one that somebody has written again."""
    put_month(connection, store_lake, FEBRUARY)
    missing, changed = (file.key for file in lake_files(connection, store_lake, "is_live"))
    store.delete(missing)
    store.put(changed, b"x" * store.head(changed).size_bytes)
    damage = [str(each) for each in find_damage(store_lake, lake_files(connection, store_lake))]
    assert f"{store_lake.files}/{missing} is missing" in damage[0]
    assert f"{store_lake.files}/{changed} has other content" in damage[1]
    with pytest.raises(WarehouseError, match=r"churn materialize s\.t --month 2025-01"):
        require_sound(connection, store_lake, [TABLE], JANUARY)
    for month in (JANUARY, FEBRUARY):
        put_month(connection, store_lake, month)
    assert find_damage(store_lake, lake_files(connection, store_lake, "is_live")) == []


def test_a_file_without_a_checksum_is_read_whole(connection, store_lake, store):
    """And gets one if that works."""
    (file,) = lake_files(connection, store_lake)
    unknown = replace(file, key="s/t/unknown.parquet", size_bytes=1)
    store.put(unknown.key, b"x")
    (damage,) = find_damage(store_lake, [unknown])
    assert damage.problem.endswith("cannot be read")
    content = store.get(file.key).data
    store.put("s/t/copy.parquet", content)
    copy = replace(file, key="s/t/copy.parquet")
    assert find_damage(store_lake, [copy]) == []
    assert copy.key in kept_checksums(store_lake)


def test_every_host_has_the_same_notes(connection, store_lake, tmp_path):
    """They are in Postgres: a host with another data folder knows the checksums and what was
    dropped.
    """
    other = replace(store_lake, temp_dir=tmp_path / "host_b")
    assert kept_checksums(other).keys() == {file.key for file in lake_files(connection, other)}
    note_dropped(store_lake, TABLE, JANUARY)
    note_dropped(store_lake, TABLE, JANUARY)
    assert dropped(other) == [(TABLE, JANUARY)]
    put_month(connection, other)
    assert dropped(store_lake) == []


def test_orphans_in_the_store_are_swept_and_counted(connection, store_lake, store):
    """With files of the past; what is live stays, and what is no file of a lake."""
    put_month(connection, store_lake, first=1)
    store.put("s/t/month=2025-01-01/ducklake-orphan.parquet", b"left by a killed writer")
    later = datetime.now(UTC) + timedelta(days=1)
    done = tidy(store_lake, [], until=later, grace=timedelta(0))
    (live,) = lake_files(connection, store_lake)
    assert files_of(store) == {live.key}
    assert done.files == 2
    assert kept_checksums(store_lake).keys() == {live.key}


def test_patience_is_set_on_each_connection(connection, store_lake):
    """As the settings say, and not as the libraries would have it."""
    patient = replace(
        store_lake, catalog_retries=7, store=replace(store_lake.store, retries=2, timeout_seconds=9)
    )
    names = ("http_timeout", "http_retries", "ducklake_max_retry_count")
    query = ", ".join(f"current_setting('{name}')" for name in names)
    with closing(connect(patient)) as other:
        assert other.execute(f"select {query}").fetchall() == [(9, 2, 7)]


@pytest.mark.parametrize(
    "text",
    [
        "TransactionContext Error: Failed to commit DuckLake transaction. Exceeded the maximum "
        "retry count of 10",
        'ERROR:  duplicate key value violates unique constraint "ducklake_snapshot_pkey"',
        'Failed to initialize DuckLake: ERROR:  relation "ducklake_metadata" already exists',
    ],
)
def test_what_postgres_says_of_another_writer_is_tried_again(connection, store_lake, text):
    """The work is done once more, in a new transaction."""
    tries = []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise duckdb.TransactionException(text)

    write(connection, store_lake, work)
    assert len(tries) == 2


WRONG = {
    "endpoint": StoreUnreachableError,
    "secret_key": StoreRefusedError,
    "key_id": StoreRefusedError,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_store_that_cannot_be_used_is_told_when_the_lake_is_opened(store_lake, wrong):
    """One error names the address, its setting, the endpoint, and the settings to look at."""
    (port,) = free_ports(1)
    value = f"127.0.0.1:{port}" if wrong == "endpoint" else "wrong-one"
    lake = replace(store_lake, store=replace(store_lake.store, **{wrong: value}, retries=0))
    with pytest.raises(WRONG[wrong]) as told:
        connect(lake)
    for part in (lake.files, "CHURN_LAKE_DATA_PATH", lake.store.endpoint_url, "CHURN_STORE_"):
        assert part in str(told.value)
    assert SECRET_KEY not in str(told.value)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_store_that_fails_later_is_told_by_the_same_error(connection, store_lake, wrong):
    """What DuckDB says while rows are written or read is told as what was said at the start."""
    (port,) = free_ports(1)
    value = f"127.0.0.1:{port}" if wrong == "endpoint" else "wrong-one"
    options = replace(store_lake.store, **{wrong: value}, retries=0)
    prepare(connection, catalog="", files=store_lake.files, store=options, catalog_retries=0)
    with pytest.raises(WRONG[wrong], match="CHURN_LAKE_DATA_PATH") as told:
        write(
            connection,
            replace(store_lake, store=options),
            lambda: connection.execute(f"insert into {TABLE} from {TABLE}"),
        )
    assert store_lake.files in str(told.value)


def test_a_file_that_is_gone_is_damage_and_no_failing_store(connection, store_lake, store):
    """The store has answered; `churn check-lake` is what helps."""
    (file,) = lake_files(connection, store_lake)
    store.delete(file.key)
    with pytest.raises(duckdb.Error) as error:
        connection.execute(f"select sum(x) from {TABLE}").fetchall()
    assert store_error(error.value, store_lake.files, store_lake.store) is None
    settings = load_settings(lake_data_path=store_lake.files)
    assert "churn check-lake" in str(advice(error.value, settings))


def test_a_lake_that_was_moved_without_its_files_is_noticed(connection, store_lake):
    """The catalog knows files, and there are none at the place that is set."""
    with pytest.raises(
        WarehouseError, match=r"there are none in s3://tests/moved.*CHURN_LAKE_DATA"
    ):
        connect(replace(store_lake, files="s3://tests/moved"))


def test_credentials_of_the_machine_are_used_without_a_key(store_lake, monkeypatch):
    """As AWS' own tools find them: here in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    lake = replace(store_lake, store=replace(store_lake.store, key_id="", secret_key=""))
    with closing(connect(lake)) as connection:
        put_month(connection, lake)
        assert connection.execute(f"select count(*) from {TABLE}").fetchall() == [(ROWS,)]


def test_a_lake_in_folders_does_without(lake):
    """It loads none of the extensions, which would cost each connection some time."""
    with closing(connect(lake)) as connection:
        loaded = connection.execute(
            "select extension_name from duckdb_extensions() where loaded"
        ).fetchall()
    assert {("httpfs",), ("aws",), ("postgres_scanner",)}.isdisjoint(loaded)
