"""Numbers that worker processes count in files of their own, which any of them adds up.

Each file is mapped into memory, so what was counted survives a killed worker and the service. A
worker that starts goes on in a file that no one holds any more, so there are never more files of a
name than there were workers at once. A file says for which beginning it counts: one of another
beginning, or of another layout, is worth nothing.
"""

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
import numpy as np

from serving.storage.shared_memory import shared_memory

LAYOUT, BEGAN = range(2)
NUMBER_BYTES = 8
HEAD_BYTES = 2 * NUMBER_BYTES
SUFFIX = ".counts"

logger = logging.getLogger(__name__)


class Layout(msgspec.Struct, frozen=True):
    """How many float64 numbers a file holds, and a mark that tells this meaning of them from any
    other.
    """

    numbers: int
    mark: int

    @property
    def file_bytes(self) -> int:
        """Size of a file: the head, then the numbers."""
        return HEAD_BYTES + self.numbers * NUMBER_BYTES

    def numbers_of(self, memory: bytes | memoryview, began: int) -> np.ndarray | None:
        """(numbers,) float64; None for those of another beginning or layout, and for what is no
        count.
        """
        if len(memory) < self.file_bytes:
            return None

        head = np.frombuffer(memory, np.int64, 2)
        if head[LAYOUT] != self.mark or head[BEGAN] != began:
            return None

        # A copy, for the process whose numbers they are goes on counting.
        shared = np.frombuffer(memory, np.float64, self.numbers, offset=HEAD_BYTES)
        numbers = shared.copy()
        is_count = np.isfinite(numbers) & (numbers >= 0)
        if is_count.all():
            return numbers

        return None


class Claimed(NamedTuple):
    """The memory in which this process alone counts, and the lock on its file; None without one,
    where no other process sees it.
    """

    memory: memoryview
    file: BinaryIO | None

    def begin(self, layout: Layout, began: int) -> None:
        """Count from zero. Zeros first: a worker killed in between leaves a file that counts for
        nothing.
        """
        head = self.memory[:HEAD_BYTES].cast("q")
        numbers = self.memory[HEAD_BYTES : layout.file_bytes].cast("d")
        # No beginning is -1.
        head[BEGAN] = -1
        head[LAYOUT] = layout.mark

        for place in range(layout.numbers):
            numbers[place] = 0.0

        head[BEGAN] = began

    def let_go(self) -> None:
        """Leave the file to another worker."""
        if self.file:
            self.file.close()


def claimed(folder: Path | None, name: str, layout: Layout) -> Claimed:
    """A file that no other process counts in; this process's own memory without a folder, or where
    there is no space, which is logged.
    """
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for number in count():
                path = folder / f"{name}-{number}{SUFFIX}"
                lock = _locked(path)
                if lock:
                    memory = shared_memory(path, layout.file_bytes)
                    return Claimed(memory, lock)

        except OSError as error:
            say_alone(folder, error)

    alone = bytearray(layout.file_bytes)
    return Claimed(memoryview(alone), None)


def counted(folder: Path | None, name: str, own: Claimed | None) -> Iterator[bytes | memoryview]:
    """What each process has counted under a name; `own` is that of this one."""
    if own and own.file is None:
        yield own.memory

    if folder is not None:
        for path in sorted(folder.glob(f"{name}-*{SUFFIX}")):
            # A reset removes what no one holds, perhaps since the folder was listed.
            with contextlib.suppress(FileNotFoundError):
                yield path.read_bytes()


def remove_unused(folder: Path) -> None:
    """Remove the files that no process counts in."""
    for path in folder.glob(f"*{SUFFIX}"):
        if lock := _locked(path):
            with lock:
                path.unlink(missing_ok=True)


def say_alone(folder: Path, error: OSError) -> None:
    """Log that other processes do not see what this one counts."""
    logger.error(
        "no space to count an experiment in; its statistics tell of this worker alone",
        extra={"fields": {"folder": str(folder), "why": str(error)}},
    )


def _locked(path: Path) -> BinaryIO | None:
    """The file, made where it is missing, with a lock that ends with this process; None if
    another has it.
    """
    # Neither "r", which makes no file, nor "w", which would empty the one of another process.
    file = path.open("a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None

    if os.fstat(file.fileno()).st_nlink == 0:  # a reset removed it before it was locked
        file.close()
        return _locked(path)

    return file
