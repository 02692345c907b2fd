"""What a back-up is: a list of files by path, with their contents under their hashes.

<target>/backups/<instant>.json     a back-up; names sort by time
<target>/objects/<sha256>           contents; any number of back-ups share them
"""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from pathlib import Path

import msgspec

from churn_platform.errors import BackupError
from churn_platform.published.regular_files import file_sha256
from churn_platform.storage.store import Store

BACKUPS, OBJECTS = "backups", "objects"
SCHEMA = 2


class KeptFile(msgspec.Struct, frozen=True):
    """A file by its path in the data folder; `modified_ns` tells whether it has changed since."""

    path: str
    sha256: str
    size_bytes: int
    mode: int
    modified_ns: int


class KeptLink(msgspec.Struct, frozen=True):
    """A symbolic link inside the data folder, by which published folders are replaced."""

    path: str
    target: str


class KeptLakeFile(msgspec.Struct, frozen=True):
    """A file of a lake outside of the data folder, by its key; `damaged_from` is the checksum that
    it should have had when it was copied, empty if it had it.
    """

    key: str
    sha256: str
    size_bytes: int
    damaged_from: str = ""


class KeptColumn(msgspec.Struct, frozen=True):
    """A column of a table, by DuckDB's name for its type."""

    name: str
    type: str
    is_required: bool


class KeptTable(msgspec.Struct, frozen=True):
    """A table of a catalog on Postgres, its key if it has one, and its rows as Parquet."""

    name: str
    columns: tuple[KeptColumn, ...]
    key: str
    sha256: str = ""
    size_bytes: int = 0


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one back-up holds; `audit_head` is the trail's at that time.

    Files of the lake and tables of its catalog are apart only where they are outside of the data
    folder. `dropped` are months that were to be written again: table and first day.
    """

    schema: int = SCHEMA
    made_at: datetime
    data_dir: str
    code_version: str
    audit_head: str
    files: tuple[KeptFile, ...]
    links: tuple[KeptLink, ...]
    lake_files: tuple[KeptLakeFile, ...] = ()
    catalog: tuple[KeptTable, ...] = ()
    dropped: tuple[tuple[str, date], ...] = ()

    @property
    def contents(self) -> Iterator[KeptFile | KeptLakeFile | KeptTable]:
        """Everything that has contents of its own on the store."""
        return chain(self.files, self.lake_files, self.catalog)

    @property
    def file_count(self) -> int:
        """How many files it holds."""
        return sum(1 for _ in self.contents)

    @property
    def size_bytes(self) -> int:
        """What its files hold together."""
        return sum(each.size_bytes for each in self.contents)


def object_key(sha256: str) -> str:
    """Where contents are."""
    return f"{OBJECTS}/{sha256}"


def keep_contents(store: Store, path: Path, sha256: str) -> None:
    """Put the contents of a file on the store, unless it has them."""
    if store.head(object_key(sha256)) is None:
        store.upload(path, object_key(sha256))


def fetch_contents(store: Store, sha256: str, target: Path, name: str) -> None:
    """Write contents into a file; BackupError if they are not what they were."""
    store.download(object_key(sha256), target)
    if file_sha256(target) != sha256:
        raise BackupError(
            f"{object_key(sha256)} in {store.location} is not what its name says, so "
            f"{name} cannot be restored; take another back-up"
        )


def keep(store: Store, backup: Backup) -> str:
    """Put the list of a back-up on the store, which makes it one; returns its name."""
    name = f"{backup.made_at:%Y-%m-%dT%H%M%S}Z"
    content = msgspec.json.format(msgspec.json.encode(backup))
    store.put(f"{BACKUPS}/{name}.json", content, mode="create")
    return name


def names(store: Store) -> list[str]:
    """The back-ups there are, oldest first."""
    keys = sorted(found.key for found in store.list(BACKUPS))
    return [key.removeprefix(f"{BACKUPS}/").removesuffix(".json") for key in keys]


def find(store: Store, name: str | None) -> Backup | None:
    """A back-up by its name, the newest without one; None if there is none at all.

    BackupError if there is none of that name, or a newer version of the platform made it.
    """
    known = names(store)
    if name is None and not known:
        return None
    wanted = name or known[-1]
    if wanted not in known:
        raise BackupError(
            f"no back-up {wanted!r} in {store.location}; there are {', '.join(known) or 'none'}"
        )
    content = store.read(f"{BACKUPS}/{wanted}.json")
    try:
        backup = msgspec.json.decode(content, type=Backup)
    except msgspec.MsgspecError as error:
        raise BackupError(
            f"back-up {wanted} in {store.location} is damaged ({error}); take an older one: "
            f"{', '.join(known)}"
        ) from error
    if backup.schema > SCHEMA:
        raise BackupError(
            f"back-up {wanted} is of form {backup.schema}, and this version reads {SCHEMA}; "
            f"restore it with version {backup.code_version} or later"
        )
    return backup
