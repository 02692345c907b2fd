"""Makes a back-up while the platform runs.

Files of the lake are written once and never changed, so most are copied before anything is held.
Then, with the right to write, what has come since and the catalogs are copied: the back-up is of
one moment, and runs wait for seconds only.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from churn_platform.audit.anchors import head_text
from churn_platform.audit.trail_file import read_records
from churn_platform.backup.catalog_copy import is_server, write_catalog
from churn_platform.backup.catalogue import (
    Backup,
    KeptFile,
    KeptLink,
    KeptTable,
    find,
    keep,
    keep_contents,
)
from churn_platform.backup.lake_copy import is_outside, keep_lake
from churn_platform.backup.parts import Found, find_parts
from churn_platform.errors import BackupError
from churn_platform.published.regular_files import file_sha256
from churn_platform.settings import Settings
from churn_platform.storage.store import Store
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.lake_notes import dropped
from churn_platform.warehouse.lock import writer_lock

ATTEMPTS = 3


def back_up(
    settings: Settings,
    store: Store,
    *,
    now: datetime,
    landing: bool = False,
    show: Callable[[str], None] = lambda _: None,
) -> tuple[str, Backup]:
    """Make a back-up of the data folder, and of the lake wherever it is, on the store; returns its
    name and what it holds.

    What the store holds already is not copied again. BackupError if an SQLite catalog is in
    neither.
    """
    root, lake = settings.root, Lake.of(settings)
    _require_kept(root, lake)
    before = find(store, None)
    work = _Work(store, root, before)
    show("files, while the platform goes on")
    for name in find_parts(root, landing=landing).files:
        work.keep_file(name)
    outside = is_outside(root, settings.lake_files)
    lake_files = before.lake_files if before else ()
    if outside:
        lake_files = keep_lake(lake, store, lake_files)
    show("what has come since, and the catalogs")
    # With the writers' lock: a catalog of now must find every file that it names.
    with writer_lock(lake), tempfile.TemporaryDirectory() as folder:
        # The lock holds the writers of this host alone. So a catalog on a server comes first: a
        # file that is written after it is one too many, and no writer removes one at once.
        catalog = work.keep_catalog(lake, Path(folder)) if is_server(lake) else ()
        # Before the trail is copied: decisions may lengthen it, and the copy has this head.
        audit_head = _audit_head(settings.audit_path)
        files, links = _whole(root, work, Path(folder), landing=landing)
        if outside:
            # With those of the first look: an erasure on another host removes files at once, which
            # the catalog that was read may name.
            newer = keep_lake(lake, store, lake_files)
            by_key = {file.key: file for file in (*lake_files, *newer)}
            lake_files = tuple(by_key[key] for key in sorted(by_key))
        backup = Backup(
            made_at=now,
            data_dir=str(root),
            code_version=settings.running_code_version,
            audit_head=audit_head,
            files=tuple(sorted(files, key=lambda file: file.path)),
            links=tuple(links),
            lake_files=lake_files if outside else (),
            catalog=catalog,
            dropped=tuple(dropped(lake)) if outside else (),
        )
    # Last: a back-up that was cut short is none, and what it has copied is used by the next one.
    return keep(store, backup), backup


def _whole(
    root: Path, work: "_Work", folder: Path, *, landing: bool
) -> tuple[list[KeptFile], list[KeptLink]]:
    """Files and links that belong together: publication goes on meanwhile, and replaces what a link
    leads to. BackupError if it never stands still.
    """
    for _ in range(ATTEMPTS):
        found = find_parts(root, landing=landing)
        links = [KeptLink(name, str((root / name).readlink())) for name in found.links]
        files = list(work.all_of(found, folder))
        folders = {str(Path(file.path).parent) for file in files}
        if all(str(Path(link.path).parent / link.target) in folders for link in links):
            return files, links
    raise BackupError(
        f"what is published in {root / 'published'} changed {ATTEMPTS} times while it was copied; "
        "run `churn backup` again when no run publishes"
    )


class _Work:
    """What has been copied so far; a file is read again only if it has changed."""

    def __init__(self, store: Store, root: Path, before: Backup | None):
        self._store, self._root = store, root
        self._known = {file.path: file for file in before.files} if before else {}
        self._there = {file.sha256 for file in self._known.values()}

    def all_of(self, found: Found, folder: Path) -> Iterable[KeptFile]:
        """Every file and database, by path; databases are copied into the folder first."""
        # Databases first: a file that comes after its database was copied is one too many, and one
        # that is named and missing would be one too few.
        for name in found.databases:
            copy = folder / "copy.sqlite"
            _copy_database(self._root / name, copy)
            yield self._keep(name, copy, (self._root / name).stat().st_mode)
            copy.unlink()
        for name in found.files:
            if kept := self.keep_file(name):
                yield kept

    def keep_file(self, name: str) -> KeptFile | None:
        """A file of the data folder, on the store; None if it has vanished meanwhile."""
        path = self._root / name
        try:
            status = path.stat()
            known = self._known.get(name)
            same = (status.st_size, status.st_mtime_ns)
            if known is None or (known.size_bytes, known.modified_ns) != same:
                known = self._known[name] = self._keep(name, path, status.st_mode)
        except FileNotFoundError:
            return None
        return known

    def keep_catalog(self, lake: Lake, folder: Path) -> tuple[KeptTable, ...]:
        """The tables of a catalog on a server, on the store."""
        tables = []
        for table, rows in write_catalog(lake, folder):
            size = rows.stat().st_size
            tables.append(replace(table, sha256=self._keep_contents(rows), size_bytes=size))
            rows.unlink()
        return tuple(tables)

    def _keep(self, name: str, path: Path, mode: int) -> KeptFile:
        status, digest = path.stat(), self._keep_contents(path)
        return KeptFile(name, digest, status.st_size, mode & 0o777, status.st_mtime_ns)

    def _keep_contents(self, path: Path) -> str:
        """The hash of a file whose contents are on the store now."""
        digest = file_sha256(path)
        if digest not in self._there:
            keep_contents(self._store, path, digest)
            self._there.add(digest)
        return digest


def _copy_database(path: Path, copy: Path) -> None:
    """A copy of an SQLite database as it is at one moment, whoever writes it meanwhile."""
    with (
        closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _audit_head(path: Path) -> str:
    records = read_records(path)
    return head_text(records[-1]) if records else ""


def _require_kept(root: Path, lake: Lake) -> None:
    if lake.sqlite_path and root not in lake.sqlite_path.resolve().parents:
        raise BackupError(
            f"the catalog {lake.sqlite_path} is outside of the data folder {root}; move it there, "
            "and set CHURN_CATALOG to its new place"
        )
