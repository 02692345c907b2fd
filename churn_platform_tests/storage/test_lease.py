"""A right is one process's at a time, and comes free by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.errors import StoreError
from churn_platform.storage.lease import LIFE, leased
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of its own."""
    return open_store(tmp_path / "store", setting="CHURN_STORE")


def clock() -> datetime:
    """The time, as the store dates its objects."""
    return datetime.now(UTC)


def test_one_holds_it_at_a_time(store):
    """Eight that want it are never inside together."""
    inside: list[int] = []

    def act(number: int) -> None:
        with leased(store, "tiny.champion", now=clock):
            assert inside == []
            inside.append(number)
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(8)))
    assert list(store.list()) == []


def test_who_waits_too_long_is_told_who_holds_it(store):
    """With host and process, and what to do."""
    with (
        leased(store, "tiny.champion", now=clock),
        pytest.raises(StoreError, match=r"stayed taken for 0 s by .*host.*process"),
        leased(store, "tiny.champion", now=clock, wait_seconds=0),
    ):
        pass


def test_a_lease_of_a_killed_process_runs_out(store):
    """The next one takes it over; the former holder, if it lives, does not remove the other's."""
    held = leased(store, "tiny.champion", now=clock)
    held.__enter__()
    with leased(store, "tiny.champion", now=lambda: clock() + LIFE):
        held.__exit__(None, None, None)
        assert [found.key for found in store.list()] == ["tiny.champion.lease"]
    assert list(store.list()) == []


def test_a_lease_of_a_clock_that_was_ahead_runs_out(store):
    """The clock has gone back since, and its process is gone."""
    held = leased(store, "tiny.champion", now=clock)
    held.__enter__()
    with leased(store, "tiny.champion", now=lambda: clock() - LIFE - LIFE, wait_seconds=0):
        held.__exit__(None, None, None)
        assert [found.key for found in store.list()] == ["tiny.champion.lease"]
    assert list(store.list()) == []
