"""Tells whether an LMDB file can be read to its end, in a process of its own: a damaged one may
kill the reader.
"""

import subprocess
import sys
from pathlib import Path

import lmdb

CHECK_SECONDS = 60.0


def reads_to_its_end(path: Path) -> bool:
    """Whether every entry of a file, or of a folder with a store, can be read; true where that
    takes too long.
    """
    command = [sys.executable, __file__, str(path)]
    try:
        return (
            subprocess.run(
                command,
                capture_output=True,
                timeout=CHECK_SECONDS,
                check=False,
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return True  # of two mistakes the smaller: what is sound must not be thrown away


def read_all(path: Path) -> None:
    """Read every entry; lmdb.Error, or the end of this process, where the file is damaged."""
    is_store = path.is_dir()  # others may write to it, so its lock is used
    environment = lmdb.open(
        str(path),
        subdir=is_store,
        readonly=True,
        lock=is_store,
    )
    with environment, environment.begin() as transaction:
        for _ in transaction.cursor():
            pass


if __name__ == "__main__":
    read_all(Path(sys.argv[1]))
