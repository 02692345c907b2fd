"""Opens published files that are plain files: reading a pipe or a device might never end."""

import errno
import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """A plain file, open for reading; OSError for a pipe, a device or a folder, and where it cannot
    be read.
    """
    descriptor = os.open(
        path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    )  # a pipe would wait for a writer
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no plain file", str(path))

    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, *, bytes_max: int) -> bytes:
    """The contents of a plain file; OSError for anything else, and for a file larger than
    `bytes_max`.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        # Before reading: a file that somebody put there must not fill the memory of a worker.
        if size > bytes_max:
            raise OSError(errno.EFBIG, f"has {size:,} bytes, {bytes_max:,} are allowed", str(path))
        return file.read()


def file_sha256(path: Path) -> str:
    """SHA-256 of a plain file, in hex; OSError for anything else: of a pipe
    there might be no end.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
