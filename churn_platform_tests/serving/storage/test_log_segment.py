"""A segment holds whole frames alone, and is closed once nobody writes it."""

import os

import pytest

from churn_platform.published.prediction_log import CLOSED_SUFFIX, OPEN_SUFFIX
from serving.storage.log_segment import OpenSegment, close_dead_segments


def test_half_a_frame_is_taken_off_again(tmp_path, monkeypatch):
    """Where a disk takes only a part, the file ends where it ended before."""
    segment = OpenSegment(tmp_path, "w1")
    segment.append(b"first")
    whole = segment.path.read_bytes()
    write = os.write
    monkeypatch.setattr(
        "serving.storage.log_segment.os.write", lambda file, frames: write(file, frames[:3])
    )
    with pytest.raises(OSError, match="only 3 of 6 bytes fitted"):
        segment.append(b"second")
    assert segment.path.read_bytes() == whole
    assert (segment.size, segment.is_broken) == (len(whole), False)


def test_a_probe_leaves_no_space_behind(tmp_path):
    """It asks for space and gives it back."""
    segment = OpenSegment(tmp_path, "w1")
    segment.probe()
    assert segment.path.stat().st_size == segment.size


def test_a_segment_that_somebody_deleted_is_gone(tmp_path):
    """What is written to it now would reach no one."""
    segment = OpenSegment(tmp_path, "w1")
    assert not segment.is_gone
    segment.path.unlink()
    assert segment.is_gone
    segment.let_go()


def test_a_closed_segment_has_another_name(tmp_path):
    """Its content stays as it is."""
    segment = OpenSegment(tmp_path, "w1")
    content = segment.path.read_bytes()
    segment.close(sync=True)
    (closed,) = tmp_path.glob(f"*{CLOSED_SUFFIX}")
    assert closed.read_bytes() == content
    assert not segment.path.exists()


def test_only_segments_without_a_writer_are_closed(tmp_path):
    """The lock tells the living from the dead."""
    living = OpenSegment(tmp_path, "w1")
    dead = tmp_path / f"1-w2{OPEN_SUFFIX}"
    dead.write_bytes(b"left by a killed worker")
    assert close_dead_segments(tmp_path) == [dead.with_suffix(CLOSED_SUFFIX)]
    assert living.path.exists()
