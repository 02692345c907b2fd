"""Copies of look-ups that belong to the service: no one can change the file that a worker has
mapped.

A mapped file that somebody cuts off or writes over (`cp` onto a published file) kills every process
that reads it. A hard link is no help, for it is the same file. The copy is made once for all
workers of a machine: by reflink where the file system can, which costs nothing, and byte by byte
elsewhere.
"""

import errno
import os
import shutil
from pathlib import Path

from churn_platform.published.lookup_copy import copy_path
from churn_platform.published.regular_files import file_sha256, open_regular
from serving.errors import BundleError
from serving.storage.private_files import folder_locked

CHUNK_BYTES = 1 << 30
DRAFT = (
    ".draft"  # one name, so that what a kill leaves is written over and not kept beside the next
)
CANNOT_CLONE = (errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def private_copy(source: Path, folder: Path, sha256: str) -> Path:
    """Our own file in `folder` with the contents of that hash.

    BundleError if the source has other contents, or where there is no space for a copy.
    """
    target = copy_path(folder, sha256)
    try:
        with folder_locked(folder):
            if not _holds(target, sha256):
                _replace(source, folder / DRAFT, target, sha256)
    except OSError as error:
        raise BundleError(
            f"{source} cannot be copied into {folder}: {error}; free space there, "
            "or correct the rights"
        ) from error

    return target


def remove_other_copies(folder: Path, sha256: str | None) -> None:
    """Remove the copies that are not of that hash; who still reads one goes on reading it."""
    with folder_locked(folder):
        for copy in folder.glob("[0-9a-f]*/"):
            if copy.name != sha256:
                shutil.rmtree(copy, ignore_errors=True)


def _holds(target: Path, sha256: str) -> bool:
    return target.is_file() and file_sha256(target) == sha256


def _replace(source: Path, draft: Path, target: Path, sha256: str) -> None:
    try:
        _copy(source, draft)
        if (found := file_sha256(draft)) != sha256:
            raise BundleError(f"{source}: SHA-256 is {found}, the manifest says {sha256}")
        target.parent.mkdir(mode=0o700, exist_ok=True)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _copy(source: Path, draft: Path) -> None:
    draft.unlink(missing_ok=True)
    created = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds customers
    with open_regular(source) as reading, os.fdopen(created, "wb") as writing:
        try:
            # Shares the blocks on Btrfs and XFS, so the copy costs neither time nor space.
            while os.copy_file_range(reading.fileno(), writing.fileno(), CHUNK_BYTES):
                pass
        except OSError as error:
            if error.errno not in CANNOT_CLONE:
                raise
            reading.seek(0)
            writing.truncate(0)
            shutil.copyfileobj(reading, writing)
