"""Landed files on a store that several hosts share; this host reads them from its landing folder.

Operators may put files straight onto the store: `<portfolio>/<table>/<YYYY-MM>.<kind>`, as in the
folder.
"""

from pathlib import Path

from churn_platform.storage.mirror import Mirror
from churn_platform.storage.store import Store


def fetch_landed(store: Store | None, landing_dir: Path, portfolio: str, table: str = "") -> None:
    """Bring what has landed of a portfolio, or of one of its tables, into the folder; nothing
    without a store.
    """
    if store is not None:
        Mirror(store, landing_dir).fetch(f"{portfolio}/{table}".rstrip("/"))


def send_landed(store: Store | None, landing_dir: Path, portfolio: str) -> None:
    """Put what has landed in the folder on the store, and take away what left the folder; nothing
    without a store.
    """
    if store is not None:
        Mirror(store, landing_dir).send(portfolio)
