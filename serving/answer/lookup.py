"""A month's customers, memory-mapped from a copy that no other process writes."""

from itertools import islice
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

import lmdb

from serving.errors import BundleError
from serving.storage.lmdb_check import reads_to_its_end

KEY_BYTES_MAX = 511


class Lookup:
    """Customer id -> packed customer; closed when no one holds it any more."""

    def __init__(self, path: Path):
        self._environment = _environment(path)
        self.customers: int = self._environment.stat()["entries"]

    def get(self, customer_id: str) -> bytes | None:
        """The customer as packed; None if the id is not known."""
        key = customer_id.encode(errors="replace")
        if not 0 < len(key) <= KEY_BYTES_MAX:
            return None
        with self._environment.begin() as transaction:
            return transaction.get(key)

    def first(self, count: int) -> list[bytes]:
        """The first customers in the order of their ids."""
        with self._environment.begin() as transaction:
            return list(islice(transaction.cursor().iternext(keys=False), count))


# LMDB must open a file once per process only. Weak: a month's file closes with the last request
# that holds it, and a swap needs no lock.
_opened: WeakValueDictionary[Path, Lookup] = WeakValueDictionary()
_opening = Lock()


def open_lookup(path: Path) -> Lookup:
    """The look-up; the same object while a request still holds it, since LMDB opens a file only
    once.
    """
    with _opening:
        found = _opened.get(path)
        if found is None:
            found = _opened[path] = Lookup(path)
        return found


def _environment(path: Path) -> lmdb.Environment:
    try:
        environment = lmdb.open(
            str(path),
            subdir=False,
            readonly=True,
            lock=False,
        )
    except lmdb.Error as error:
        raise BundleError(f"{path}: {error}") from error

    pages = environment.info()["last_pgno"] + 1
    # Reading past the end of a mapped file kills the process (SIGBUS); no exception can be caught.
    if path.stat().st_size < pages * environment.stat()["psize"] and not reads_to_its_end(path):
        environment.close()
        raise BundleError(f"{path}: ends before its last page; publish the month again")

    return environment
