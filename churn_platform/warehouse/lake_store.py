"""The files of the lake where they lie, in a folder or in a store: the one place that lists, looks
at, opens and removes them without DuckDB.

A file is named by its key, the path relative to the lake's files. DuckLake never writes a file
again under the same name.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from churn_platform.published.regular_files import file_sha256
from churn_platform.storage.location import is_url
from churn_platform.storage.opening import open_store
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import Store, StoredObject

SETTING = "CHURN_LAKE_DATA_PATH"
# A list gives a thousand objects for one request, and looking at one costs a request as well.
FEW = 20


class LakeStore:
    """The files below one location."""

    def __init__(self, files: str, options: StoreOptions):
        self.files = files.rstrip("/")
        self.is_remote = is_url(files)
        self._store: Store = open_store(files, options, setting=SETTING)

    def exists(self) -> bool:
        """Whether the folder is there, or anything in the store; StoreError if none can tell."""
        if self.is_remote:
            return next(self._store.list(), None) is not None
        return Path(self.files).is_dir()

    def list(self) -> Iterator[StoredObject]:
        """Every file, whether the catalog knows it or not."""
        return self._store.list()

    def look_at(self, keys: Iterable[str]) -> dict[str, StoredObject]:
        """What is known of each of the files that is there."""
        wanted = set(keys)
        if self.is_remote and len(wanted) > FEW:
            found = (each for each in self._store.list() if each.key in wanted)
        else:
            heads = (self._store.head(key) for key in wanted)
            found = (each for each in heads if each is not None)
        return {each.key: each for each in found}

    def checksum(self, file: StoredObject) -> str:
        """What changes with the content: SHA-256 in a folder, the tag in a store, which checks its
        own bytes as it reads them.
        """
        return file.e_tag if self.is_remote else file_sha256(Path(self.files, file.key))

    def start_of(self, key: str, length: int) -> bytes:
        """The first bytes of a file."""
        return self._store.get_start(key, length)

    def add(self, source: Path, key: str) -> None:
        """Put a file there, as it comes back from a back-up."""
        self._store.upload(source, key)

    def place(self, key: str) -> str:
        """The file's path or address, as DuckDB reads it and as a person finds it."""
        return f"{self.files}/{key}"

    @contextmanager
    def local(self, key: str, scratch: Path) -> Iterator[Path]:
        """The file on a disk of this machine: itself, or a copy below `scratch` for the block."""
        if not self.is_remote:
            yield Path(self.files, key)
            return
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            copy = Path(folder, key.rpartition("/")[2])
            self._store.download(key, copy)
            yield copy


@cache
def was_seen(files: str, options: StoreOptions) -> bool:
    """Whether anything has been found in a store, asked once for each process: a connection should
    not cost a request, and what is gone later is told by who reads it.
    """
    if LakeStore(files, options).exists():
        return True
    raise LookupError(files)  # which is not kept: the next call asks again
