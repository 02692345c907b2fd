"""Memory that all worker processes of a machine share: mapped files, as large
as they will ever be.
"""

import mmap
import os
from pathlib import Path


def shared_memory(path: Path, size: int) -> memoryview:
    """The file's bytes, zeros at first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    take_space(path, size)
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), size))


def take_space(path: Path, size: int) -> None:
    """Give a file its bytes on disk, or raise OSError: writing to mapped memory that has none kills
    a process.
    """
    with path.open("a+b") as file:
        os.posix_fallocate(file.fileno(), 0, size)
