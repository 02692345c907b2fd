"""Pushed features without the customer: the service's store is written again in place, while the
service may run.

A delete would leave copies: in free pages, in unused parts of pages, and as the first key of a page
in the tree.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import lmdb

from churn_platform.erasure.raw_bytes import count_matches
from churn_platform.errors import ErasureError
from churn_platform.published.pushed_features import is_overlay, overlay_key

FILLER = b"\0"  # no key of a customer begins so
EXPIRED = bytes(8)  # the service removes such an entry, should a kill leave one
PAGE_HEADER_BYTES = 16


def erase_from_overlays(paths: Iterable[Path], portfolio: str, customer_id: str) -> list[Path]:
    """The stores among the files that held the key, in use or free, and were written again; others'
    entries stay.
    """
    key = overlay_key(portfolio, customer_id)
    holding = []
    for path in paths:
        if is_overlay(path) and count_matches(path, re.escape(key)):
            holding.append(path)

    for path in holding:
        try:
            _write_anew(path.parent, key)
        except lmdb.Error as error:
            raise ErasureError(
                f"{path}: pushed features cannot be rewritten ({error}); "
                "wait until some have expired, or stop the "
                "service and remove the folder, and run the command again"
            ) from error

    return holding


def _write_anew(folder: Path, key: bytes) -> None:
    with lmdb.open(
        str(folder),
        map_size=0,
        create=False,
    ) as store:  # 0: as large as the service has it
        # Frees pages that a killed worker still seems to read; they could not be overwritten.
        store.reader_check()
        _let_reuse(store)
        entries = store.open_db(None)
        with store.begin(write=True) as writing, store.begin(buffers=True) as reading:
            writing.drop(entries, delete=False)
            # Everything is written again, in order, into fresh pages: a delete alone leaves the key
            # in free pages, in unused parts of pages and in inner nodes of the tree.
            writing.cursor().putmulti(_others(reading, key), append=True)

        _let_reuse(store)
        _overwrite_free_pages(store)


def _let_reuse(store: lmdb.Environment) -> None:
    """LMDB reuses the pages that a transaction has freed from the second one after it."""
    with store.begin(write=True) as transaction:
        transaction.put(FILLER, EXPIRED)


def _others(
    transaction: lmdb.Transaction, key: bytes
) -> Iterator[tuple[bytes | memoryview, bytes | memoryview]]:
    for name, value in transaction.cursor():
        if name != key and name[:1] != FILLER:
            yield name, value


def _overwrite_free_pages(store: lmdb.Environment) -> None:
    # As many full pages of zeros as are free, so that LMDB has to reuse every one of them.
    page = bytes(store.stat()["psize"] - PAGE_HEADER_BYTES)
    with store.begin(write=True) as transaction:
        cursor = transaction.cursor()
        for number in range(_free_pages(store)):
            cursor.put(FILLER + b"%d" % number, page)

    with store.begin(write=True) as transaction, transaction.cursor() as cursor:
        while cursor.set_range(FILLER):
            if cursor.key()[:1] != FILLER:
                break
            cursor.delete()


def _free_pages(store: lmdb.Environment) -> int:
    """At least as many pages as are free."""
    used = store.stat()
    return (
        store.info()["last_pgno"]
        + 1
        - used["branch_pages"]
        - used["leaf_pages"]
        - used["overflow_pages"]
    )
