"""What a process has used since it was last asked, and the file of lines in which each step notes
it.
"""

import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import msgspec

# getrusage counts bytes on macOS and KiB on Linux.
MAXRSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


class StepUsage(msgspec.Struct, frozen=True):
    """One step of a run, whether it succeeded or not: its months, first to last, and what it used.

    peak_bytes: most memory that its process had had by then, with its largest child: what a machine
    must have.
    """

    run_id: str
    step: str
    portfolio: str
    first_month: date
    last_month: date
    recorded_at: datetime
    succeeded: bool
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


class Meter:
    """Reads what this process and its ended children use, each second once.

    In a process that runs a whole job, a step's share begins where the step before ended; what the
    process did before its first step belongs to that. A process that was forked begins again.
    """

    def __init__(self) -> None:
        self.pid, self.cpu_seconds, self.at = os.getpid(), 0.0, time.monotonic()

    def read(self) -> tuple[float, float, int]:
        """CPU seconds and wall seconds since the last reading, and the peak of memory in bytes so
        far.
        """
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        peak_bytes = (own.ru_maxrss + children.ru_maxrss) * MAXRSS_UNIT_BYTES
        pid = os.getpid()
        # A forked child starts with the parent's reading but has its own counters, from zero.
        before = self.cpu_seconds if self.pid == pid else 0.0
        now = time.monotonic()
        elapsed = now - self.at
        self.pid = pid
        self.cpu_seconds = used
        self.at = now
        return used - before, elapsed, peak_bytes


def note(path: Path, usage: StepUsage) -> None:
    """Append a line in one write, so that several processes may note at once and a kill leaves
    whole lines.
    """
    line = msgspec.json.encode(usage) + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


def read_usage(path: Path) -> Iterator[StepUsage]:
    """Every step on record, in the order in which they ended; a line that a full disk has cut is
    left out.
    """
    if not path.exists():
        return

    for line in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(line, type=StepUsage)
        except msgspec.DecodeError:
            continue
