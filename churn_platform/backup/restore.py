"""Puts a back-up into an empty place."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from churn_platform.backup.catalog_copy import is_server, read_catalog
from churn_platform.backup.catalogue import Backup, KeptFile, fetch_contents, find
from churn_platform.backup.lake_copy import note_lake, put_lake, require_empty
from churn_platform.errors import BackupError
from churn_platform.published.regular_files import file_sha256
from churn_platform.settings import Settings
from churn_platform.storage.store import Store
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.lake_notes import note_dropped

UNFINISHED = ".restore-unfinished"
CATALOG_FILE = "catalog.sqlite"


def restore(
    settings: Settings,
    store: Store,
    *,
    name: str | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> Backup:
    """Write a back-up, the newest without a name, into the data folder, and the lake where the
    settings have it; returns it.

    All must be empty, or hold a restore of the same back-up that was cut short, which goes on.
    BackupError if it is not, there is no back-up, or contents are not what they were.
    """
    backup = find(store, name)
    if backup is None:
        raise BackupError(f"{store.location} holds no back-up; make one by `churn backup`")
    root, lake = settings.root, Lake.of(settings)
    _require_kind(backup, lake)
    mark = root / UNFINISHED
    made_at = backup.made_at.isoformat()
    if not _may_go_on(root, mark, made_at):
        raise BackupError(
            f"{root} is not empty: nothing is restored over what is there; set CHURN_DATA_DIR to "
            "a new folder"
        )
    if backup.lake_files and not mark.exists():
        require_empty(lake)
    root.mkdir(parents=True, exist_ok=True)
    mark.write_text(made_at)
    for number, file in enumerate(backup.files, 1):
        _put(store, root, file)
        if number % 1_000 == 0:
            show(f"{number:,} of {len(backup.files):,} files")
    for link in backup.links:
        path = root / link.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(link.target)
    _put_lake(store, backup, lake, show)
    mark.unlink()
    return backup


def _require_kind(backup: Backup, lake: Lake) -> None:
    """BackupError if the catalog that was kept cannot be the one that is set."""
    if backup.catalog and not is_server(lake):
        raise BackupError(
            "the catalog of this back-up is one of Postgres: set CHURN_CATALOG to an empty "
            "database, as in `postgres:dbname=... host=...`"
        )
    if is_server(lake) and not backup.catalog and _has(backup, CATALOG_FILE):
        raise BackupError(
            "the catalog of this back-up is an SQLite file, and CHURN_CATALOG names a database: "
            "unset it"
        )


def _has(backup: Backup, path: str) -> bool:
    return any(file.path == path for file in backup.files)


def _put_lake(store: Store, backup: Backup, lake: Lake, show: Callable[[str], None]) -> None:
    """Files first: a catalog that is there names files that are."""
    if backup.lake_files:
        put_lake(store, backup.lake_files, lake, show)
    if backup.catalog:
        with tempfile.TemporaryDirectory() as folder:
            tables = []
            for table in backup.catalog:
                rows = Path(folder, f"{table.name}.parquet")
                fetch_contents(store, table.sha256, rows, f"table {table.name} of the catalog")
                tables.append((table, rows))
            read_catalog(lake, tables)
    if backup.lake_files:
        note_lake(backup.lake_files, lake)
    for table_name, month in backup.dropped:
        note_dropped(lake, table_name, month)


def _may_go_on(root: Path, mark: Path, made_at: str) -> bool:
    if not root.exists() or not any(root.iterdir()):
        return True
    return mark.exists() and mark.read_text() == made_at


def _put(store: Store, root: Path, file: KeptFile) -> None:
    path = root / file.path
    # By a restore that was cut short.
    if path.exists() and file_sha256(path) == file.sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fetch_contents(store, file.sha256, path, file.path)
    path.chmod(file.mode)
