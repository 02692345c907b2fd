"""A month's customers are looked up by id, and a file that is not whole is refused."""

import os
from pathlib import Path

import lmdb
import pytest

from serving.answer.lookup import KEY_BYTES_MAX, Lookup, open_lookup
from serving.errors import BundleError


@pytest.fixture
def month(tmp_path: Path) -> Path:
    """A month of two customers."""
    path = tmp_path / "customers.lmdb"
    with lmdb.open(str(path), subdir=False) as store, store.begin(write=True) as transaction:
        transaction.put(b"bob", b"B")
        transaction.put(b"ada", b"A")
    return path


def test_a_customer_is_found_by_the_whole_id(month):
    """Neither a part of an id, nor one that no key can hold, finds anybody."""
    lookup = Lookup(month)
    assert (lookup.customers, lookup.get("ada"), lookup.get("ad")) == (2, b"A", None)
    assert lookup.get("") is None
    assert lookup.get("x" * (KEY_BYTES_MAX + 1)) is None


def test_the_first_customers_come_in_the_order_of_ids(month):
    """However they were written, and no more of them than there are."""
    assert Lookup(month).first(1) == [b"A"]
    assert Lookup(month).first(9) == [b"A", b"B"]


def test_a_month_is_open_once_while_it_is_held(month):
    """LMDB opens a file once per process; two requests share what is open."""
    held = open_lookup(month)
    assert open_lookup(month) is held


def test_a_file_that_is_no_lookup_is_named(tmp_path):
    """The error says which file."""
    path = tmp_path / "customers.lmdb"
    path.write_bytes(b"not lmdb" * 2_000)
    with pytest.raises(BundleError, match=r"customers\.lmdb"):
        Lookup(path)


def test_a_file_without_its_last_page_is_refused(month):
    """Reading past its end would kill the process, so it is never mapped."""
    os.truncate(month, 2 * os.sysconf("SC_PAGESIZE"))
    with pytest.raises(BundleError, match="publish the month again"):
        Lookup(month)
