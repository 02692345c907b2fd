"""Files and folders that their owner alone may read: they hold customer ids, features or hashes of
keys.
"""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

FOLDER = 0o700
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(folder: Path) -> None:
    """Make the folder, or take from others what an earlier version let them; OSError if it
    cannot be made.

    What is inside is out of their reach with it. A folder of another user stays as its owner made
    it.
    """
    folder.mkdir(
        parents=True,
        exist_ok=True,
        mode=FOLDER,
    )
    if folder.stat().st_mode & OTHERS:
        # A folder of another user cannot be changed; what is inside is private by itself.
        with contextlib.suppress(PermissionError):
            folder.chmod(FOLDER)


def own_folder(folder: Path) -> None:
    """Make the folder, or take an empty one from others.

    A folder that a setting names may as well be somebody's home, whose rights are not ours to
    change.
    """
    folder.mkdir(
        parents=True,
        exist_ok=True,
        mode=FOLDER,
    )
    if next(folder.iterdir(), None) is None:
        private_folder(folder)


@contextlib.contextmanager
def folder_locked(folder: Path) -> Iterator[None]:
    """Hold the folder, which is made where it is missing: one process at a time, others wait."""
    private_folder(folder)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_privately(path: Path, content: bytes) -> None:
    """Put the content in place of what the file holds, in one step; on disk when this returns."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)

        Path(draft).replace(path)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise
