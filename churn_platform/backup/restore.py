"""Puts a back-up into an empty place."""

from collections.abc import Callable
from pathlib import Path

from churn_platform.backup.catalogue import Backup, KeptFile, find, object_key
from churn_platform.errors import BackupError
from churn_platform.published.regular_files import file_sha256
from churn_platform.storage.store import Store

UNFINISHED = ".restore-unfinished"


def restore(
    store: Store,
    root: Path,
    *,
    name: str | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> Backup:
    """Write a back-up, the newest without a name, into `root`; returns it.

    `root` must be empty, or hold a restore of the same back-up that was cut short, which goes on.
    BackupError if it is not, there is no back-up, or contents are not what they were.
    """
    backup = find(store, name)
    if backup is None:
        raise BackupError(f"{store.location} holds no back-up; make one by `churn backup`")
    mark = root / UNFINISHED
    made_at = backup.made_at.isoformat()
    if not _may_go_on(root, mark, made_at):
        raise BackupError(
            f"{root} is not empty: nothing is restored over what is there; set CHURN_DATA_DIR to "
            "a new folder"
        )
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
    mark.unlink()
    return backup


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
    store.download(object_key(file.sha256), path)
    if file_sha256(path) != file.sha256:
        raise BackupError(
            f"{object_key(file.sha256)} in {store.location} is not what its name says, so "
            f"{file.path} cannot be restored; take another back-up"
        )
    path.chmod(file.mode)
