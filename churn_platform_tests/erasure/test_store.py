"""An erasure where the lake's files are in a store: its search reads the store."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from churn_platform.errors import ErasureError
from churn_platform.housekeeping.clean_up import weigh
from churn_platform.settings import load_settings
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store
from churn_platform.warehouse.lake import connect
from churn_platform_tests.erasure.conftest import ADA, BOB, KEY, World, make_world
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.s3_server import S3Server


@pytest.fixture
def world(
    tmp_path: Path, extensions: Path, new_catalog: str, s3_server: S3Server, s3_url: str
) -> World:
    """The world of the other tests, with its lake on Postgres and S3."""
    settings = load_settings(
        data_dir=tmp_path / "data",
        phone_hash_key=KEY,
        duckdb_threads=1,
        catalog=new_catalog,
        lake_data_path=s3_url,
        **s3_server.overrides(),
    )
    return make_world(settings, extensions)


@pytest.fixture
def store(world: World) -> Store:
    """The store of the lake's files."""
    lake = world.installation.lake
    return open_store(lake.files, lake.store, setting="tests")


def parquet_with(customer_id: str, folder: Path) -> Path:
    """A Parquet file that names a customer."""
    path = folder / "orphan.parquet"
    duckdb.sql(f"select '{customer_id}' as customer_id").write_parquet(str(path))
    return path


@invariant("Care", "The search that proves an erasure reads every object of the lake's store.")
def test_an_id_in_an_orphan_object_is_found(world: World, store: Store, tmp_path: Path) -> None:
    """Which no catalog knows: the erasure is not recorded as done, its error names each object,
    and once they are gone it is completed. Objects of other portfolios are another customer's.
    """
    orphan, note = "tiny/contact_list/orphan.parquet", "notes/handed_over.txt"
    store.upload(parquet_with(ADA, tmp_path), orphan)
    store.put(note, f"called {ADA} twice".encode())
    store.upload(parquet_with(ADA, tmp_path), "tiny_two/t/other.parquet")
    with pytest.raises(ErasureError) as told:
        world.erase()
    lake = world.installation.lake
    assert f"{lake.files}/{orphan}: 1" in str(told.value)
    assert f"{lake.files}/{note}: 1" in str(told.value)
    assert "tiny_two" not in str(told.value)
    assert world.recorded == []

    store.delete(orphan, note)
    done = world.erase()
    assert world.recorded == [done]
    assert done.searched >= len(list(store.list("tiny"))) > 0


def test_no_object_holds_the_customer_afterwards(world: World, store: Store) -> None:
    """Files with the customer's rows are written anew and the old ones removed, as in a folder;
    neighbours stay.
    """
    with closing(connect(world.installation.lake, read_only=True)) as connection:
        before = _naming(connection, store, world, ADA)
        assert before
    assert world.erase().plan.subject.found["tiny_raw.customers"] == 2
    with closing(connect(world.installation.lake, read_only=True)) as connection:
        assert _naming(connection, store, world, ADA) == []
        assert _naming(connection, store, world, BOB)


def _naming(
    connection: duckdb.DuckDBPyConnection, store: Store, world: World, customer_id: str
) -> list[str]:
    """Parquet files that name a customer, read one by one."""
    naming = []
    for found in store.list():
        place = f"{world.installation.lake.files}/{found.key}"
        query = f"select count(*) from '{place}' as row where row::varchar like ?"
        (count,) = connection.execute(query, [f"%{customer_id}%"]).fetchone() or (0,)
        if count:
            naming.append(found.key)
    return naming


def test_a_customer_of_the_past_is_known_from_the_store(world: World) -> None:
    """Rows that have left every table are still in older files."""
    for table in ("tiny_raw.customers", "tiny_raw.calls", "tiny.customer_features"):
        world.write(f"delete from {table} where customer_id = '{ADA}'")
    world.write("drop table tiny.contact_list")
    assert world.erase().plan.subject.found == {}


def test_the_store_is_weighed(world: World, store: Store) -> None:
    """What housekeeping shows and the cost of a month count the objects' bytes."""
    objects = list(store.list())
    weight = weigh(world.installation.settings)["lake"]
    assert (weight.files, weight.size_bytes) == (
        len(objects),
        sum(found.size_bytes for found in objects),
    )
    assert weight.files > 3
