"""Sets a damaged store of pushed features aside, so that the service scores without it."""

import logging
import os
from pathlib import Path

from churn_platform.published.pushed_features import OVERLAY_FILE
from serving.storage.lmdb_check import reads_to_its_end

LOCK_FILE, TRACES_FILE = "lock.mdb", "traces"
BY_STORE = (LOCK_FILE, TRACES_FILE)  # files that tell of the store, and hold for no other

logger = logging.getLogger(__name__)


def set_aside_if_damaged(folder: Path) -> Path | None:
    """Where the store of a locked folder is now; None if it is sound, or there is none."""
    # It cannot be repaired, and its customers can be pushed again. A process that has it open still
    # must open again.
    path = folder / OVERLAY_FILE
    if not os.path.lexists(path) or _is_sound(path):
        return None

    target = _free_name(folder)
    path.rename(target)
    for name in BY_STORE:
        (folder / name).unlink(missing_ok=True)

    fields = {
        "file": str(path),
        "now": str(target),
        "next": "push again what counts, then remove the file",
    }
    logger.error("pushed features are damaged and set aside", extra={"fields": fields})
    return target


def _is_sound(path: Path) -> bool:
    """Whether LMDB can read the file; it takes an empty one for new. OSError without the right."""
    if not path.is_file():
        return False
    if path.stat().st_size == 0:
        return True
    with path.open("rb"):  # without the right to read it nothing is known of damage
        return reads_to_its_end(path.parent)


def _free_name(folder: Path) -> Path:
    number = 1
    while os.path.lexists(folder / f"damaged-{number}.mdb"):
        number += 1
    return folder / f"damaged-{number}.mdb"
