"""Pushes on their way to other hosts outlive the processes, and leave nothing behind."""

import os
import threading
from pathlib import Path

import pytest

from churn_platform.published.customer_events import (
    CustomerEvent,
    event_bytes,
    instant,
    read_event,
)
from churn_platform.published.push_outbox import PushOutbox, lines_of


def event(number: int) -> CustomerEvent:
    """An event of a customer of that number."""
    return CustomerEvent("tiny", f"C{number}", instant(number), {"tickets": number})


@pytest.fixture
def outbox(tmp_path: Path) -> PushOutbox:
    """An outbox that no one has written to."""
    return PushOutbox(tmp_path / "outbox")


def taken(outbox: PushOutbox) -> list[str]:
    """The customers of what waits, in order."""
    lines = [line for path in outbox.take() for line in lines_of(path)]
    return [read_event(line).customer_id for line in lines]


def test_what_is_written_down_waits_until_its_file_is_removed(outbox, tmp_path):
    """In order; what is written meanwhile is in a later file."""
    assert (taken(outbox), outbox.lag_seconds(9.0)) == ([], 0.0)
    outbox.append(event(1), 5 * 10**9)
    outbox.append(event(2), 6 * 10**9)
    assert taken(outbox) == ["C1", "C2"]
    outbox.append(event(3), 7 * 10**9)
    assert taken(outbox) == ["C1", "C2", "C3"]
    assert outbox.lag_seconds(9.0) == 4.0
    first, second = outbox.take()
    first.unlink()
    assert outbox.lag_seconds(9.0) == 2.0
    second.unlink()
    assert list((tmp_path / "outbox").iterdir()) == [tmp_path / "outbox" / ".lock"]


def test_writers_at_once_lose_nothing(outbox):
    """Nor while what they write is taken away."""

    def write(thread: int) -> None:
        for number in range(20):
            outbox.append(event(100 * thread + number), 1 + number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    found: list[str] = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found += remove(outbox)
    found += remove(outbox)
    assert sorted(found) == sorted(f"C{100 * thread + n}" for thread in range(3) for n in range(20))


def remove(outbox: PushOutbox) -> list[str]:
    """Take and remove what waits; returns its customers."""
    found = []
    for path in outbox.take():
        found += [read_event(line).customer_id for line in lines_of(path)]
        path.unlink()
    return found


def test_a_full_disk_leaves_the_file_as_it_was(outbox, monkeypatch):
    """The push is refused, and what was written before is whole."""
    outbox.append(event(1), 1)
    write = os.write
    with monkeypatch.context() as patch, pytest.raises(OSError, match="free space"):
        patch.setattr(os, "write", lambda descriptor, content: write(descriptor, content[:9]))
        outbox.append(event(2), 2)
    outbox.append(event(3), 3)
    assert taken(outbox) == ["C1", "C3"]


def test_half_a_record_spoils_no_other(outbox, tmp_path):
    """As a machine that lost its power in the middle of a write may leave it."""
    outbox.append(event(1), 1)
    (path,) = (tmp_path / "outbox").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"portfolio":')
    outbox.append(event(2), 2)
    (path,) = outbox.take()
    assert lines_of(path) == [event_bytes(event(1)), b'{"portfolio":', event_bytes(event(2))]


def test_the_owner_alone_may_read_it(outbox, tmp_path):
    """It names customers."""
    outbox.append(event(1), 1)
    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "outbox").glob("*.jsonl")]
    assert [*modes, (tmp_path / "outbox").stat().st_mode & 0o077] == [0, 0]
