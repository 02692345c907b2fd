"""Where the service keeps pushed features: an LMDB store in a folder `overlay`, by
`<portfolio>/<customer>`.
"""

from pathlib import Path

OVERLAY_DIR = "overlay"
OVERLAY_FILE = "data.mdb"


def overlay_key(portfolio: str, customer_id: str) -> bytes:
    """The key of a customer's pushed features."""
    return f"{portfolio}/{customer_id}".encode()


def is_overlay(path: Path) -> bool:
    """Whether a file is a store of pushed features."""
    return path.name == OVERLAY_FILE and path.parent.name == OVERLAY_DIR
