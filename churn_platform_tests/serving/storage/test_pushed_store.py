"""Pushed features: they hold for their time, in every process, and never grow without bound."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from serving.errors import InvalidRequest, OverlayFull
from serving.storage.pushed_store import Overlay

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
