"""Numbers in files of their own: what is another layout, or no count, is worth nothing."""

import numpy as np
import pytest

from serving.storage.counted_files import HEAD_BYTES, Layout, claimed, counted, remove_unused

LAYOUT = Layout(numbers=2, mark=7)


def test_what_is_counted_is_read_by_others(tmp_path):
    """Zeros at first; another layout, another beginning and half a file are none."""
    claim = claimed(tmp_path, "arm", LAYOUT)
    claim.begin(LAYOUT, began=3)
    claim.memory[HEAD_BYTES:].cast("d")[1] = 5.0
    (memory,) = counted(tmp_path, "arm", None)
    assert LAYOUT.numbers_of(memory, 3).tolist() == [0.0, 5.0]
    assert LAYOUT.numbers_of(memory, 4) is None
    assert Layout(numbers=2, mark=8).numbers_of(memory, 3) is None
    assert LAYOUT.numbers_of(memory[:-1], 3) is None


@pytest.mark.parametrize("damage", [np.nan, np.inf, -1.0])
def test_what_is_no_count_is_none(tmp_path, damage):
    """A disk may have changed it."""
    claim = claimed(tmp_path, "arm", LAYOUT)
    claim.begin(LAYOUT, began=0)
    claim.memory[HEAD_BYTES:].cast("d")[0] = damage
    assert LAYOUT.numbers_of(claim.memory, 0) is None


def test_only_files_that_nobody_holds_are_removed(tmp_path):
    """A worker that has ended leaves its file, which the next one would take."""
    ended, running = claimed(tmp_path, "arm", LAYOUT), claimed(tmp_path, "arm", LAYOUT)
    ended.let_go()
    remove_unused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["arm-1.counts"]
    running.let_go()


def test_without_a_folder_only_this_process_sees_it():
    """Its own memory is among what is counted."""
    claim = claimed(None, "arm", LAYOUT)
    claim.begin(LAYOUT, began=0)
    (memory,) = counted(None, "arm", claim)
    assert LAYOUT.numbers_of(memory, 0).tolist() == [0.0, 0.0]
