"""What is left of a customer anywhere is found, and stops the erasure."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_platform.errors import ErasureError
from churn_platform_tests.erasure.conftest import (
    ADA,
    BOB,
    World,
)


def test_what_is_left_is_named_and_nothing_recorded(world: World) -> None:
    """A file that the platform does not know makes the erasure fail by its name, and again until it
    is gone.
    """
    stray = world.folder / "export.txt"
    stray.write_text(f"to call: {ADA}, {BOB}")
    for _ in range(2):
        with pytest.raises(ErasureError, match=r"export\.txt: 1"):
            world.erase()
    assert world.recorded == []
    stray.unlink()
    assert world.erase().plan.subject.found["tiny_raw.calls"] == 2


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_a_further_place_that_is_no_folder_is_refused(world: World, name: str) -> None:
    """A search there would find nothing and prove nothing, so nothing is erased or recorded."""
    (world.folder / "file.txt").touch()
    with pytest.raises(ErasureError, match=rf"{name} is no folder that can be read"):
        world.erase(also=[world.folder / name])
    assert world.rows(f"select count(*) from tiny_raw.customers where customer_id = '{ADA}'") == [
        (2,)
    ]
    assert world.recorded == []
    assert not (world.folder / "erasure").exists()


def test_a_further_folder_is_searched(world: World, tmp_path: Path) -> None:
    """What is left there is named."""
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "events.log").write_text(f"row of {ADA}\n")
    with pytest.raises(ErasureError, match=r"events\.log: 1"):
        world.erase(also=[tmp_path / "storage"])


def test_a_folder_that_cannot_be_read_fails_the_search(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and the erasure is not recorded."""
    closed = world.folder / "notes" / "closed"
    closed.mkdir(parents=True)

    def scandir(folder: object, scan: Callable[[object], object] = os.scandir) -> object:
        if str(folder) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(closed))
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(
        ErasureError, match="notes/closed: Permission denied, so it cannot be searched"
    ):
        world.erase()
    assert world.recorded == []
