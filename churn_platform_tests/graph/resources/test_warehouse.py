"""The resource gives connections to the lake and takes them back whatever happens."""

import duckdb
import pytest

from churn_platform.errors import WarehouseError
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.warehouse.lake import stream


def test_a_connection_is_closed_after_an_error(lake):
    """An exception inside leaves no open transaction: the next writer goes on at once."""
    warehouse = Warehouse.of(lake)
    with pytest.raises(ZeroDivisionError), warehouse.get_connection() as broken:
        broken.execute("begin")
        broken.execute("create table t as select 1 as x")
        raise ZeroDivisionError
    with pytest.raises(duckdb.ConnectionException):
        broken.execute("select 1")
    with warehouse.get_connection() as connection:
        connection.execute("create table t as select 2 as x")
        assert connection.execute("select x from t").fetchall() == [(2,)]


def test_read_only_refuses_writes(lake):
    """A reader cannot change the lake."""
    warehouse = Warehouse.of(lake)
    with warehouse.get_connection() as connection:
        connection.execute("create table t as select 1 as x")
    with warehouse.get_connection(read_only=True) as reader:
        with pytest.raises(duckdb.Error, match="read-only"):
            reader.execute("insert into t values (2)")
        assert reader.execute("select x from t").fetchall() == [(1,)]


def test_read_only_makes_no_lake(lake):
    """Reading a lake that does not exist is an error that says where, and leaves nothing behind."""
    with (
        pytest.raises(WarehouseError, match=f"no warehouse at {lake.sqlite_path}"),
        Warehouse.of(lake).get_connection(read_only=True),
    ):
        pass
    assert not lake.sqlite_path.exists()


def test_a_file_that_is_no_catalog_is_named(lake):
    """A broken catalog is the platform's own error, with its name."""
    lake.sqlite_path.write_text("not a database " * 100)
    with (
        pytest.raises(WarehouseError, match=f"cannot open the warehouse ducklake:{lake.catalog}"),
        Warehouse.of(lake).get_connection(),
    ):
        pass


def test_the_resource_describes_its_lake(lake):
    """Nothing of a lake's description is lost on the way through Dagster's config."""
    assert Warehouse.of(lake).lake == lake


def test_a_half_read_stream_leaves_the_connection_free(lake):
    """While a stream is read in batches, the connection runs other queries."""
    with Warehouse.of(lake).get_connection() as connection:
        connection.execute("create table t as select range as x from range(5000)")
        batches = stream(
            connection, "select x from t where x >= ? order by x", [10], batch_rows=2048
        )
        first = next(batches)
        assert connection.execute("select count(*) from t").fetchall() == [(5000,)]
        rest = list(batches)
    assert first.num_rows + sum(batch.num_rows for batch in rest) == 4990
    assert first.column("x")[0].as_py() == 10
