"""Keeps a folder of this host in step with a store, file by file.

A note beside the files says which object each of them was last, so that a look transfers only what
is new on either side. Where both sides changed a file, the store's counts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock

from churn_platform.storage.atomic_file import new_file
from churn_platform.storage.store import Store, StoredObject

NOTE = ".mirror.json"


class Known(msgspec.Struct, frozen=True):
    """What a file was when it was last the same as its object."""

    e_tag: str
    size_bytes: int
    modified_ns: int


class Mirror:
    """A folder and the store that it is a copy of; both by the same keys. Hidden files are this
    host's own.
    """

    def __init__(self, store: Store, folder: Path):
        self._store, self._folder = store, folder

    def fetch(self, prefix: str = "") -> list[Path]:
        """Bring what is new on the store below `prefix` into the folder; the files it wrote."""
        written = []
        with self._noted() as known:
            for found in sorted(self._store.list(prefix), key=_marker_last):
                path = self._folder / found.key
                before = known.get(found.key)
                if before and before.e_tag == found.e_tag and path.exists():
                    continue
                e_tag = self._store.download(found.key, path)
                known[found.key] = _known(path, e_tag)
                written.append(path)
        return written

    def send(self, prefix: str = "") -> list[Path]:
        """Put what is new in the folder below `prefix` on the store, and take away what is gone
        from the folder; the files it sent.
        """
        sent = []
        with self._noted() as known:
            here = {str(path.relative_to(self._folder)): path for path in self._files(prefix)}
            for key, path in sorted(here.items()):
                before = known.get(key)
                if before != _known(path, before.e_tag if before else ""):
                    known[key] = _known(path, self._store.upload(path, key))
                    sent.append(path)
            below = f"{prefix.rstrip('/')}/" if prefix else ""
            gone = [key for key in known if key.startswith(below) and key not in here]
            self._store.delete(*gone)
            for key in gone:
                del known[key]
        return sent

    def _files(self, prefix: str) -> Iterator[Path]:
        for path in (self._folder / prefix).rglob("*"):
            is_hidden = any(part.startswith(".") for part in path.relative_to(self._folder).parts)
            if path.is_file() and not is_hidden:
                yield path

    @contextmanager
    def _noted(self) -> Iterator[dict[str, Known]]:
        """The notes, for the block to change; kept also where it fails, for what it has done."""
        path = self._folder / NOTE
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            known: dict[str, Known] = {}
            if path.exists():
                known = msgspec.json.decode(path.read_bytes(), type=dict[str, Known])
            before = dict(known)
            try:
                yield known
            finally:
                if known != before:
                    with new_file(path) as draft:
                        draft.write_bytes(msgspec.json.encode(known))


def _marker_last(found: StoredObject) -> tuple[bool, str]:
    """Objects in order, those after that say of others that all are there (`_SUCCESS`)."""
    return found.key.rpartition("/")[2].startswith("_"), found.key


def _known(path: Path, e_tag: str) -> Known:
    status = path.stat()
    return Known(e_tag, status.st_size, status.st_mtime_ns)
