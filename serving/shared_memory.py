"""Memory that all worker processes of a machine share: a mapped file, as large as it will ever be."""

import mmap
import os
from pathlib import Path


def shared_memory(path: Path, size: int) -> memoryview:
    """The file's bytes, zeros at first. Its space is taken at once: writing to memory that has none kills a process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        os.posix_fallocate(file.fileno(), 0, size)
        return memoryview(mmap.mmap(file.fileno(), size))
