"""An erasure where the catalog is on Postgres, whose tables hold small inserts and column
statistics.
"""

from contextlib import closing
from pathlib import Path

import pytest

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.proof import left_of
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import connect
from churn_platform_tests.erasure.conftest import ADA, BOB, KEY, World, make_world
from churn_platform_tests.support.invariants import invariant


@pytest.fixture
def world(tmp_path: Path, extensions: Path, postgres: str) -> World:
    """The world of the other tests on Postgres."""
    settings = load_settings(
        data_dir=tmp_path / "data", phone_hash_key=KEY, duckdb_threads=1, catalog=postgres
    )
    return make_world(settings, extensions)


def in_catalog(world: World, subject: ErasedCustomer) -> dict[str, int]:
    """Tables of the catalog that name the subject."""
    with closing(connect(world.installation.lake, read_only=True)) as connection:
        return left_of(connection, world.installation.lake, subject, [], foreign=[])


@invariant("Care", "A Postgres catalog holds nothing of an erased customer.")
def test_no_table_of_the_catalog_holds_the_customer_afterwards(world: World) -> None:
    """Before, it held id and number, in small inserts and as smallest value; afterwards neither it
    nor a file does.
    """
    subject = ErasedCustomer("tiny", ADA, (world.number(ADA),), {})
    before = in_catalog(world, subject)
    assert {name.split("_data")[0].removeprefix("catalog table ") for name in before} >= {
        "ducklake_inlined"
    }
    assert world.erase().plan.subject.found["tiny.contact_list"] == 1
    assert in_catalog(world, subject) == {}
    assert world.files_with(ADA, str(subject.numbers[0])) == []
    assert world.rows(
        "select count(*) from tiny_raw.customers where customer_id = '" + BOB + "'"
    ) == [(3,)]
