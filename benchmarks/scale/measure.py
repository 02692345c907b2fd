"""What a block of code costs this process and the children that it waits for."""

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
POLL_SECONDS = 0.1


@dataclass
class Usage:
    """Seconds by the clock and of all CPUs, highest resident memory, bytes asked for by read calls
    (from disk or cache) and bytes written, memory maps included.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    read_mb: float = 0.0
    written_mb: float = 0.0


@contextmanager
def measured() -> Iterator[Usage]:
    """A usage that is complete when the block ends; a child counts once it has been waited for
    (proc_pid_io(5)).
    """
    usage, ended = Usage(), threading.Event()
    watcher = threading.Thread(target=_watch_memory, args=(usage, ended), daemon=True)
    begun, cpu, (read, written) = time.perf_counter(), _cpu_s(), _bytes()
    watcher.start()
    yield usage
    usage.wall_s, usage.cpu_s = time.perf_counter() - begun, _cpu_s() - cpu
    ended.set()
    watcher.join()
    usage.read_mb, usage.written_mb = (_bytes()[0] - read) / 1e6, (_bytes()[1] - written) / 1e6


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _bytes() -> tuple[int, int]:
    counted = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counted["rchar"]), int(counted["write_bytes"])


def _watch_memory(usage: Usage, ended: threading.Event) -> None:
    while not ended.wait(POLL_SECONDS):
        usage.peak_mb = max(usage.peak_mb, sum(map(_resident_bytes, _tree(os.getpid()))) / 1e6)


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
