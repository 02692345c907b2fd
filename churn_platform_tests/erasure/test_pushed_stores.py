"""Pushed features of an erased customer leave the service's store, free pages included; everybody
else's stay.
"""

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from churn_platform.erasure.erased_customer import ErasedCustomer
from churn_platform.erasure.pushed_stores import erase_from_overlays
from churn_platform.erasure.raw_bytes import count_matches
from churn_platform.erasure.search import count_in
from churn_platform.errors import ErasureError
from churn_platform.published.pushed_features import overlay_key
from churn_platform_tests.erasure.conftest import ADA, BOB, World
from serving.storage.pushed_store import Overlay

NOW = 1_000_000.0
SUBJECT = ErasedCustomer("tiny", ADA, (), {})
NEIGHBOURS = [("tiny", "C-10011"), ("tiny_two", ADA), ("a/tiny", ADA)]


def push(
    folder: Path, *customers: tuple[str, str], ttl_seconds: float = 60.0, value: float | str = 1.5
) -> Path:
    """The store of a service that has stopped, with a value of each customer."""
    with closing(Overlay(folder)) as overlay:
        for portfolio, customer_id in customers:
            overlay.put(portfolio, customer_id, {"usage": value}, ttl_seconds, NOW)
    return folder / "data.mdb"


def pushed(folder: Path, portfolio: str, customer_id: str) -> dict[str, object]:
    """What the service would use of a customer."""
    with closing(Overlay(folder)) as overlay:
        return dict(overlay.get(portfolio, customer_id, NOW))


@pytest.mark.parametrize("second", range(0, 60, 4))
def test_a_key_is_found_whatever_byte_follows(tmp_path: Path, second: int) -> None:
    """Behind the key is the time of expiry, whose first byte is a letter or digit in one case of
    four.
    """
    store = push(tmp_path / "overlay", ("tiny", ADA), ttl_seconds=60 + second / 2**20)
    assert count_in(duckdb.connect(), store, SUBJECT) > 0


def test_no_other_key_is_taken_for_the_customers(tmp_path: Path) -> None:
    """Longer ids, and the same id in other portfolios."""
    assert count_in(duckdb.connect(), push(tmp_path / "overlay", *NEIGHBOURS), SUBJECT) == 0


def test_no_copy_of_the_key_stays_in_the_file(tmp_path: Path) -> None:
    """Not in free pages, unused parts of pages or the tree, for any of many keys; the others'
    values hold.
    """
    customers = [("tiny", f"D{place * 7_919 % 600:05d}") for place in range(600)]
    store = push(tmp_path / "overlay", *customers)
    for portfolio, customer_id in customers[::120]:
        assert erase_from_overlays([store], portfolio, customer_id) == [store]
        assert count_matches(store, re.escape(overlay_key(portfolio, customer_id))) == 0
    assert pushed(tmp_path / "overlay", *customers[0]) == {}
    assert pushed(tmp_path / "overlay", *customers[1]) == {"usage": 1.5}


def test_a_key_that_has_expired_leaves_free_pages(tmp_path: Path) -> None:
    """The service has removed the entry, and its copies lie in pages that nobody has used again."""
    store = push(tmp_path / "overlay", ("tiny", ADA), ("tiny", BOB))
    with closing(Overlay(store.parent)) as overlay:
        assert overlay.purge(NOW + 61) == 2
    assert count_in(duckdb.connect(), store, SUBJECT) > 0
    erase_from_overlays([store], "tiny", ADA)
    assert count_in(duckdb.connect(), store, SUBJECT) == 0


def test_repeated_erasures_use_the_same_space(tmp_path: Path) -> None:
    """Pages that one erasure has overwritten are used by the next, but for some that LMDB takes for
    itself.
    """
    customers = [("tiny", f"D{place:05d}") for place in range(200)]
    store = push(tmp_path / "overlay", *customers, value="x" * 1_500)  # two fit into a page
    sizes = []
    for place in range(6):
        erase_from_overlays([store], "tiny", f"D{place:05d}")
        sizes.append(store.stat().st_size)
    assert sizes[-1] - sizes[1] < 100 * 4_096


def test_a_running_service_goes_on_with_the_others(tmp_path: Path) -> None:
    """A process that has the store open serves the customer no more, the others as before, and
    takes pushes.
    """
    store = push(tmp_path / "overlay", ("tiny", ADA), ("tiny", BOB))
    code = (
        "import sys; from pathlib import Path; from serving.storage.pushed_store import Overlay\n"
        f"overlay = Overlay(Path({str(store.parent)!r})); print('open', flush=True); "
        "sys.stdin.readline()\n"
        f"overlay.put('tiny', 'new', {{'usage': 2.5}}, 60, {NOW})\n"
        f"print([overlay.get('tiny', name, {NOW}) for name in ('{ADA}', '{BOB}', 'new')], "
        "flush=True)"
    )
    service = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert service.stdout and service.stdout.readline() == "open\n"
    erase_from_overlays([store], "tiny", ADA)
    said, _ = service.communicate("go on\n", timeout=30)
    assert said == "[{}, {'usage': 1.5}, {'usage': 2.5}]\n"


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    """It holds the key and cannot be opened."""
    store = tmp_path / "overlay" / "data.mdb"
    store.parent.mkdir()
    store.write_bytes(b"damaged" * 2_000 + overlay_key("tiny", ADA))
    with pytest.raises(
        ErasureError, match=r"overlay/data\.mdb: pushed features cannot be rewritten"
    ):
        erase_from_overlays([store], "tiny", ADA)


def test_an_erasure_removes_pushed_features(world: World, tmp_path: Path) -> None:
    """In the platform's folder and in one to search besides; the same id in another portfolio keeps
    its own.
    """
    inside, outside = world.folder / "serving" / "overlay", tmp_path / "elsewhere" / "overlay"
    stores = [push(folder, ("tiny", ADA), ("tiny_two", ADA)) for folder in (inside, outside)]
    done = world.erase(also=[tmp_path / "elsewhere"])
    assert sorted(done.overlays) == sorted(stores)
    for folder in (inside, outside):
        assert pushed(folder, "tiny", ADA) == {}
        assert pushed(folder, "tiny_two", ADA) == {"usage": 1.5}


def test_a_customer_of_whom_there_are_pushed_features_alone_is_known(world: World) -> None:
    """The service takes pushes of customers that no table has yet."""
    store = push(world.folder / "serving" / "overlay", ("tiny", "C-1003"))
    assert world.erase("C-1003").overlays == [store]
