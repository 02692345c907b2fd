"""A worker whose event loop stands still is ended, and no other."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from serving.watchdog import COUNT, LAST_LOOKS, Watchdog, beat, is_running_child

HANGING, TURNING, STRANGER = 101, 102, 103


def write(folder: Path, pid: int, count: int) -> None:
    """What a worker's event loop has counted."""
    (folder / str(pid)).write_bytes(COUNT.pack(count))


def test_a_worker_that_stands_still_is_ended_and_another_is_not(tmp_path):
    """First it is asked for a traceback, then killed; a file of no worker is removed."""
    sent: list[tuple[int, int]] = []
    watchdog = Watchdog(
        tmp_path,
        looks=3,
        is_worker=lambda pid: pid != STRANGER,
        send=lambda pid, number: sent.append((pid, number)),
    )
    write(tmp_path, HANGING, 7)
    write(tmp_path, STRANGER, 7)
    for look in range(1 + 3 + LAST_LOOKS):
        write(tmp_path, TURNING, look)
        watchdog.look()
    assert sent == [(HANGING, signal.SIGABRT), (HANGING, signal.SIGKILL)]
    assert not (tmp_path / str(STRANGER)).exists()


def test_an_event_loop_that_turns_counts(tmp_path):
    """The file is the process's own, and goes when the worker ends in order."""

    async def turning() -> int:
        task = asyncio.create_task(beat(tmp_path, seconds=0))
        for _ in range(5):
            await asyncio.sleep(0)
        (count,) = COUNT.unpack((tmp_path / str(os.getpid())).read_bytes())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return count

    assert asyncio.run(turning()) >= 2
    assert list(tmp_path.iterdir()) == []


def test_only_a_running_child_is_a_worker():
    """Not a stranger whose number an old file holds, and not a child that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert is_running_child(child.pid)
        child.communicate(b"\n")
    assert not is_running_child(child.pid)
    assert not is_running_child(os.getppid())
