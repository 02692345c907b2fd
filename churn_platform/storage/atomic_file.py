"""Writes a file so that neither a reader nor a crash sees half of it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFT = ".draft"


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A draft that the block writes, and that then replaces `target` in one step; it vanishes where
    the block fails.
    """
    with draft_of(target) as draft:
        yield draft
        fsync(draft)
        draft.replace(target)
        fsync(target.parent)


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """A path beside `target` for what is to become it; what is still there at the end is removed.

    Threads and processes that write the same target have a draft each.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    owner = f"{os.getpid()}-{threading.get_ident()}"
    draft = target.with_name(f".{target.name}.{owner}{DRAFT}")
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def is_draft(name: str) -> bool:
    """Whether a file of that name is a draft, of a writer at work or of one that was killed."""
    return name.startswith(".") and name.endswith(DRAFT)


def fsync(path: Path) -> None:
    """Write a file or folder through to its disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
