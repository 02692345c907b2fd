"""Segments that services on other hosts have shipped to the store: fetched before they are
ingested, and removed there afterwards.

A kill in between leaves an object whose segment the ledger knows. It is fetched again, found in the
ledger, and removed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_platform.published.prediction_log import CLOSED_SUFFIX
from churn_platform.storage.store import Store


def is_waiting(store: Store | None, portfolio: str, folder: Path) -> bool:
    """Whether a segment waits for ingestion, in the folder or on the store."""
    if any(folder.glob(f"*{CLOSED_SUFFIX}")):
        return True
    return store is not None and any(
        found.key.endswith(CLOSED_SUFFIX) for found in store.list(portfolio)
    )


@contextmanager
def shipped_here(store: Store | None, portfolio: str, folder: Path) -> Iterator[int]:
    """The shipped segments of a portfolio in its log folder, for the block to ingest; yields how
    many.

    What the block has put away goes from the store; nothing does where it fails. Without a store
    there are none.
    """
    if store is None:
        yield 0
        return
    fetched = []
    for found in store.list(portfolio):
        name = found.key.rpartition("/")[2]
        if name.endswith(CLOSED_SUFFIX):
            store.download(found.key, folder / name)
            fetched.append(found.key)
    yield len(fetched)
    store.delete(*fetched)
