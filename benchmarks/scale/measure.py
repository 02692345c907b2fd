"""Runs a command and says what it and its children cost."""

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Usage:
    """What a command cost with its children. Read: by read calls, from disk or cache; written: memory maps included."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    read_mb: float
    written_mb: float


def measured(command: list[str], environment: dict[str, str] | None = None) -> Usage:
    """Usage of a command; CalledProcessError where it fails.

    A process that is waited for hands its CPU and its bytes on to the one that waits (getrusage(2), proc_pid_io(5)).
    """
    begun, cpu, read_written = time.perf_counter(), _cpu_s(), _bytes()
    process = subprocess.Popen(command, env=os.environ | (environment or {}))
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_resident_bytes, _tree(process.pid))))
        time.sleep(POLL_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    read, written = (after - before for after, before in zip(_bytes(), read_written, strict=True))
    return Usage(time.perf_counter() - begun, _cpu_s() - cpu, peak / 1e6, read / 1e6, written / 1e6)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bytes() -> tuple[int, int]:
    counted = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counted["rchar"]), int(counted["write_bytes"])


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue  # ended meanwhile
        for child in found:
            yield from _tree(int(child))


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0
