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

from churn_platform.audit.anchors import head_text
from churn_platform.audit.trail_file import read_records
from churn_platform.backup.catalogue import Backup, KeptFile, KeptLink, find, keep, object_key
from churn_platform.backup.parts import Found, find_parts
from churn_platform.errors import BackupError
from churn_platform.published.regular_files import file_sha256
from churn_platform.settings import Settings
from churn_platform.storage.store import Store
from churn_platform.warehouse.lake import Lake
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
    """Make a back-up of the data folder on the store; returns its name and what it holds.

    What the store holds already is not copied again. BackupError if the catalog or MLflow's store
    is a server, which has back-ups of its own.
    """
    _require_embedded(settings)
    root = settings.root
    work = _Work(store, root, find(store, None))
    show("files, while the platform goes on")
    for name in find_parts(root, landing=landing).files:
        work.keep_file(name)
    show("what has come since, and the catalogs")
    # With the writers' lock: a catalog of now must find every file that it names.
    with writer_lock(Lake.of(settings)), tempfile.TemporaryDirectory() as folder:
        # Before the trail is copied: decisions may lengthen it, and the copy has this head.
        audit_head = _audit_head(settings.audit_path)
        files, links = _whole(root, work, Path(folder), landing=landing)
        backup = Backup(
            made_at=now,
            data_dir=str(root),
            code_version=settings.running_code_version,
            audit_head=audit_head,
            files=tuple(sorted(files, key=lambda file: file.path)),
            links=tuple(links),
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

    def _keep(self, name: str, path: Path, mode: int) -> KeptFile:
        status, digest = path.stat(), file_sha256(path)
        if digest not in self._there:
            if self._store.head(object_key(digest)) is None:
                self._store.upload(path, object_key(digest))
            self._there.add(digest)
        return KeptFile(name, digest, status.st_size, mode & 0o777, status.st_mtime_ns)


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


def _require_embedded(settings: Settings) -> None:
    if settings.lake_catalog.partition(":")[0] != "sqlite":
        raise BackupError(
            "the catalog is a Postgres database: back it up by pg_dump after the lake's files "
            "(docs/backup.md says how); `churn backup` keeps installations of one data folder"
        )
    outside = Path(settings.lake_files)
    if settings.root not in outside.parents:
        raise BackupError(
            f"the lake's files are in {settings.lake_files}, outside of the data folder "
            f"{settings.root}: back that place up by its own means, before the catalog"
        )
