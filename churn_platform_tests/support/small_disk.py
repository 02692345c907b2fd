"""A small disk of its own, a tmpfs, which can be filled; only root may mount one."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn_platform.disk import full_disk

DISK_MB, LEFT_BYTES = 96, 200_000


@dataclass(frozen=True)
class Disk:
    """A small disk, which can be filled."""

    folder: Path

    @contextmanager
    def full(self, left_bytes: int) -> Iterator[None]:
        """Within it there is next to no space."""
        filling = self.folder / "filling"
        status = os.statvfs(self.folder)
        with filling.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - left_bytes)
        try:
            yield
        finally:
            filling.unlink()

    def refuses(self, work: Callable[[], object], left_bytes: int = LEFT_BYTES) -> None:
        """While it is full the work fails, and the advice names the disk and its space."""
        with self.full(left_bytes):
            with pytest.raises(Exception) as error:
                work()
            told = full_disk(error.value, lambda: [self.folder])
        assert told is not None, repr(error.value)
        assert f"the disk mounted at {self.folder} is full" in told


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """The disk at a new folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
