"""Pushed features: they hold for their time, in every process, and never grow without bound."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from churn_platform.published.pushed_features import overlay_key
from serving.errors import InvalidRequest, OverlayFull
from serving.storage import pushed_file, pushed_store
from serving.storage.pushed_file import EXPIRY
from serving.storage.pushed_store import Event, Overlay

ROOT = Path(__file__).parents[3]
NOON = 1_790_000_000.0


@pytest.fixture
def overlay(tmp_path):
    """An overlay for two customers."""
    overlay = Overlay(tmp_path, max_customers=2)
    yield overlay
    overlay.close()


def test_a_pushed_value_holds_until_it_expires(overlay):
    """A value counts for its time to live, and from its end on no more."""
    overlay.put(
        "tiny",
        "C1",
        {"calls_count_30d": 7, "segment": "gold", "is_fibre": True, "nps": None},
        60,
        NOON,
    )
    pushed = {"calls_count_30d": 7, "segment": "gold", "is_fibre": True, "nps": None}
    assert overlay.get("tiny", "C1", NOON) == pushed
    assert overlay.get("tiny", "C1", NOON + 59.9) == pushed
    assert overlay.get("tiny", "C1", NOON + 60) == {}


def test_each_value_has_its_own_time(overlay):
    """A later push adds to an earlier one, replaces the same feature, and makes no other live
    longer.
    """
    overlay.put("tiny", "C1", {"calls": 1, "tickets": 1}, 60, NOON)
    overlay.put("tiny", "C1", {"tickets": 2, "bills": 3}, 60, NOON + 30)
    assert overlay.get("tiny", "C1", NOON + 31) == {"calls": 1, "tickets": 2, "bills": 3}
    assert overlay.get("tiny", "C1", NOON + 61) == {"tickets": 2, "bills": 3}


def test_customers_and_portfolios_are_apart(overlay):
    """Nobody sees the values of another customer, nor of one with the same id elsewhere."""
    overlay.put("tiny", "C1", {"calls": 1}, 60, NOON)
    assert overlay.get("tiny", "C2", NOON) == {}
    assert overlay.get("other", "C1", NOON) == {}


def test_its_table_of_readers_has_its_space(overlay, tmp_path):
    """A reader that takes its place on a full disk would be killed otherwise."""
    table = (tmp_path / "lock.mdb").stat()
    assert table.st_blocks * 512 >= table.st_size


def test_a_full_overlay_refuses_new_customers_until_purged(overlay):
    """Known customers may still be updated; purging makes room for as many as have expired."""
    overlay.put("tiny", "C1", {"calls": 1}, 10, NOON)
    overlay.put("tiny", "C2", {"calls": 1}, 60, NOON)
    with pytest.raises(OverlayFull, match="2 customers"):
        overlay.put("tiny", "C3", {"calls": 1}, 60, NOON)
    overlay.put("tiny", "C2", {"calls": 2}, 60, NOON)
    assert overlay.purge(NOON) == 0
    assert overlay.purge(NOON + 10) == 1
    overlay.put("tiny", "C3", {"calls": 1}, 60, NOON)
    assert overlay.get("tiny", "C2", NOON) == {"calls": 2}


def test_a_store_full_of_bytes_can_be_purged(tmp_path, monkeypatch):
    """Pushes leave the space to remove every second customer, which changes every page."""
    monkeypatch.setattr(pushed_store, "SPARE_BYTES", 1 << 18)
    monkeypatch.setattr(pushed_store, "RESERVE_BYTES", 1 << 17, raising=False)
    monkeypatch.setattr(pushed_store, "CUSTOMER_BYTES", 0)
    monkeypatch.setattr(pushed_file, "PURGED_AT_ONCE", 8)
    overlay = Overlay(tmp_path)
    customers = fill(overlay)
    with pytest.raises(OverlayFull, match="push later"):
        overlay.put("tiny", "C0", {"plan": "x" * 100_000}, 60, NOON)
    assert overlay.purge(NOON + 60) == (customers + 1) // 2
    overlay.put("tiny", "C0", {"calls": 1}, 60, NOON)
    overlay.close()


def fill(overlay: Overlay) -> int:
    """Push until the store is full, every second customer for longer; returns their number."""
    for number in range(1_000):
        try:
            overlay.put("tiny", f"C{number}", {"plan": "x" * 1_200}, 90 if number % 2 else 60, NOON)
        except OverlayFull:
            return number
    raise AssertionError("the store takes any number of bytes")


def test_a_purge_takes_many_small_steps(tmp_path, monkeypatch):
    """What has expired goes and what holds stays, where a transaction removes two customers."""
    monkeypatch.setattr(pushed_file, "PURGED_AT_ONCE", 2)
    overlay = Overlay(tmp_path)
    for number in range(7):
        overlay.put("tiny", f"C{number}", {"calls": number}, 60 if number < 5 else 90, NOON)
    assert overlay.purge(NOON + 60) == 5
    assert [overlay.get("tiny", f"C{number}", NOON + 60) for number in (4, 5, 6)] == [
        {},
        {"calls": 5},
        {"calls": 6},
    ]
    overlay.close()


def damage(folder: Path) -> None:
    """Overwrite every page of a store but those that say where the others are."""
    path = folder / "data.mdb"
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xab" * (size - 8192))


DAMAGE = {
    "pages": damage,
    "cut off": lambda folder: os.truncate(folder / "data.mdb", 8192),
    "no store": lambda folder: (folder / "data.mdb").write_bytes(b"damaged" * 2_000),
    "pipe": lambda folder: ((folder / "data.mdb").unlink(), os.mkfifo(folder / "data.mdb")),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_store_is_set_aside(tmp_path, caplog, kind):
    """Pushes are taken again; what is damaged is kept, and the log says where."""
    before = Overlay(tmp_path)
    before.put("tiny", "C1", {"calls": 1}, 60, NOON)
    before.close()
    DAMAGE[kind](tmp_path)
    after = Overlay(tmp_path)
    assert after.get("tiny", "C1", NOON) == {}
    after.put("tiny", "C1", {"calls": 2}, 60, NOON)
    assert after.get("tiny", "C1", NOON) == {"calls": 2}
    assert (tmp_path / "damaged-1.mdb").exists()
    (record,) = (one for one in caplog.records if one.levelname == "ERROR")
    assert record.fields["now"] == str(tmp_path / "damaged-1.mdb")
    after.close()


def test_a_worker_follows_when_another_sets_the_store_aside(tmp_path):
    """Its next push goes to the store that is there now, and not to the one that it had open."""
    worker = Overlay(tmp_path)
    worker.put("tiny", "C1", {"calls": 1}, 60, NOON)
    (tmp_path / "data.mdb").rename(tmp_path / "damaged-1.mdb")
    (tmp_path / "lock.mdb").unlink()
    worker.put("tiny", "C1", {"tickets": 2}, 60, NOON)
    assert worker.get("tiny", "C1", NOON) == {"tickets": 2}
    worker.close()
    other = Overlay(tmp_path)
    assert other.get("tiny", "C1", NOON) == {"tickets": 2}
    other.close()


def test_a_store_that_is_damaged_while_it_is_open_is_set_aside_by_the_purge(tmp_path):
    """Until then its customers count as nothing pushed, and are scored."""
    overlay = Overlay(tmp_path)
    overlay.put("tiny", "C1", {"calls": 1}, 60, NOON)
    damage(tmp_path)
    assert overlay.get("tiny", "C1", NOON) == {}
    assert overlay.purge(NOON) == 0
    overlay.put("tiny", "C1", {"calls": 2}, 60, NOON)
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2}
    overlay.close()


def test_a_damaged_entry_counts_as_nothing_pushed(overlay):
    """Whatever its bytes are, the customer is scored, and another push replaces it."""
    overlay.put("tiny", "C1", {"calls": 1}, 60, NOON)
    for stored in (
        b"x",
        EXPIRY.pack(NOON + 60) + b"\xc1",
        EXPIRY.pack(NOON + 60) + b"\x81\xa1\xff\xc0",
    ):
        with overlay._store.environment.begin(write=True) as transaction:
            transaction.put(overlay_key("tiny", "C1"), stored)
        assert overlay.get("tiny", "C1", NOON) == {}
    overlay.put("tiny", "C1", {"calls": 2}, 60, NOON)
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2}


def test_an_id_that_no_key_can_hold_is_unknown_and_refused(overlay):
    """511 bytes are the most that a key may have, of which the portfolio takes some."""
    assert overlay.get("tiny", "ü" * 300, NOON) == {}
    with pytest.raises(InvalidRequest, match="at most 506 bytes"):
        overlay.put("tiny", "ü" * 300, {"calls": 1}, 60, NOON)


def test_a_number_that_cannot_be_kept_is_refused(overlay):
    """64 bits are the most that a whole number may have; what was pushed before stays."""
    overlay.put("tiny", "C1", {"calls": 2**64 - 1}, 60, NOON)
    with pytest.raises(InvalidRequest, match=r"at most 2\^64 - 1"):
        overlay.put("tiny", "C1", {"calls": 2**64}, 60, NOON)
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2**64 - 1}


def test_pushes_from_threads_all_count(tmp_path):
    """Pushes to one customer at once lose nothing of each other."""
    overlay = Overlay(tmp_path)

    def push(thread: int) -> None:
        for number in range(5):
            overlay.put("tiny", "C1", {f"f{thread}_{number}": number}, 60, NOON)

    threads = [threading.Thread(target=push, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(overlay.get("tiny", "C1", NOON)) == 20
    overlay.close()


def test_another_process_sees_a_push_at_once_and_after_being_killed(overlay, tmp_path):
    """A worker that pushed and died by kill -9 leaves its push, and nobody waiting for a lock."""
    code = (
        "import os, signal, sys; from pathlib import Path; "
        "from serving.storage.pushed_store import Overlay\n"
        f"overlay = Overlay(Path(sys.argv[1]))\nseen = overlay.get('tiny', 'C1', {NOON})\n"
        f"overlay.put('tiny', 'C1', {{'calls': seen['calls'] + 1}}, 60, "
        f"{NOON})\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    overlay.put("tiny", "C1", {"calls": 1}, 60, NOON)
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2}
    overlay.put("tiny", "C1", {"calls": 3}, 60, NOON)
    assert overlay.get("tiny", "C1", NOON) == {"calls": 3}


def test_pushes_survive_a_restart(tmp_path):
    """A service that comes back still knows what holds."""
    before = Overlay(tmp_path)
    before.put("tiny", "C1", {"calls": 1}, 60, NOON)
    before.close()
    after = Overlay(tmp_path)
    assert after.get("tiny", "C1", NOON) == {"calls": 1}
    after.close()


def event(at: float, value: int, *, customer: str = "C1", ttl_seconds: float = 60) -> Event:
    """An event of one feature."""
    return Event(customer, {"calls": value}, ttl_seconds, round(at * 1e6))


def test_of_events_the_newest_holds_whenever_it_comes(overlay):
    """What is older, known already, or over changes nothing and is counted as such."""
    assert overlay.put_events("tiny", [event(NOON, 2), event(NOON - 5, 1)], NOON) == 1
    assert overlay.put_events("tiny", [event(NOON - 1, 9), event(NOON, 2)], NOON) == 0
    assert overlay.put_events("tiny", [event(NOON - 60, 7, customer="C2")], NOON) == 0
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2}
    assert overlay.get("tiny", "C2", NOON) == {}
    assert overlay.put_events("tiny", [event(NOON + 1, 3)], NOON) == 1
    assert overlay.get("tiny", "C1", NOON + 60.9) == {"calls": 3}
    assert overlay.get("tiny", "C1", NOON + 61) == {}


def test_a_push_counts_whatever_other_clocks_said(overlay):
    """It is newer than an event of a host whose clock is ahead, and than a push before its own
    clock went back.
    """
    at_us: list[int] = []
    overlay.put_events("tiny", [event(NOON + 30, 1)], NOON)
    overlay.put("tiny", "C1", {"calls": 2}, 60, NOON, before_commit=at_us.append)
    overlay.put("tiny", "C1", {"calls": 3}, 60, NOON - 10, before_commit=at_us.append)
    assert overlay.get("tiny", "C1", NOON) == {"calls": 3}
    assert at_us == [round((NOON + 30) * 1e6) + 1, round((NOON + 30) * 1e6) + 2]


def test_a_clock_that_was_a_year_ahead_leaves_nothing(overlay):
    """Its values hold no more once it has gone back, newer ones count, and their places are free
    again.
    """
    ahead = NOON + 365 * 86_400
    for customer in ("C1", "C2"):
        overlay.put("tiny", customer, {"calls": 1}, 60, ahead)
    assert overlay.get("tiny", "C1", ahead) == {"calls": 1}
    assert overlay.get("tiny", "C1", NOON) == {}
    assert overlay.put_events("tiny", [event(NOON, 2)], NOON) == 1
    assert overlay.get("tiny", "C1", NOON) == {"calls": 2}
    assert overlay.purge(NOON) == 1
    overlay.put("tiny", "C3", {"calls": 3}, 60, NOON)


def test_a_push_that_cannot_be_shared_is_not_kept(overlay):
    """The disk is full when the other hosts are to be told: the caller is told to push later."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OverlayFull, match="push later"):
        overlay.put("tiny", "C1", {"calls": 1}, 60, NOON, before_commit=full)
    assert overlay.get("tiny", "C1", NOON) == {}


def test_events_that_find_no_space_are_kept_none(overlay):
    """So that all of them come again."""
    events = [event(NOON, 1, customer=f"C{number}") for number in range(3)]
    with pytest.raises(OverlayFull, match="2 customers"):
        overlay.put_events("tiny", events, NOON)
    assert overlay.get("tiny", "C0", NOON) == {}
