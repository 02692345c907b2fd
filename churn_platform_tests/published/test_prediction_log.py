"""The prediction log's format: what was written comes back, and nothing else does."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.errors import DataError
from churn_platform.published.prediction_log import (
    PREDICTIONS,
    SCHEMA,
    Prediction,
    SegmentHeader,
    frame,
    load_segment,
    read_segment,
)
from churn_platform_tests.support.predictions import prediction

HEADER = PREDICTIONS.magic + frame(msgspec.msgpack.encode(SegmentHeader(SCHEMA, "w1", 7)))


def frames(*predictions: Prediction) -> list[bytes]:
    """Predictions as framed in a segment."""
    return [frame(msgspec.msgpack.encode(item)) for item in predictions]


NUMBERS = dict.fromkeys(("item", "model_version", "at_us", "latency_us"), st.integers(0, 2**63))


@given(predictions=st.lists(st.builds(Prediction, **NUMBERS), max_size=3))
def test_predictions_come_back(tmp_path_factory, predictions):
    """A segment gives the predictions it was made of, whatever the ids, levels and bytes."""
    path = tmp_path_factory.mktemp("log") / "1-w1.seg"
    path.write_bytes(HEADER + b"".join(frames(*predictions)))
    assert msgspec.msgpack.encode(list(read_segment(path))) == msgspec.msgpack.encode(predictions)


def test_a_segment_cut_anywhere_gives_its_whole_records(tmp_path):
    """Wherever a crash tore the file, what lies before comes back, and the rest is counted."""
    first, second = frames(prediction(request_id="r1"), prediction(request_id="r2"))
    path = tmp_path / "1-w1.seg"
    whole = HEADER + first + second
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        ends = [end for end in (len(HEADER), len(HEADER + first), len(whole)) if end <= length]
        segment = load_segment(path, PREDICTIONS)
        assert [item.request_id for item in segment.records] == ["r1", "r2"][
            : max(len(ends) - 1, 0)
        ]
        assert segment.torn_bytes == length - max(ends, default=0)


@pytest.mark.parametrize("tail", [b"\0" * 4096, b"\xff" * 50, b"\x05\0\0\0\0\0\0\0hello"])
def test_what_a_loss_of_power_leaves_behind_is_no_record(tmp_path, tail):
    """Zeros, rubbish or a frame whose checksum is wrong end the segment."""
    path = tmp_path / "1-w1.seg"
    path.write_bytes(HEADER + frames(prediction())[0] + tail)
    segment = load_segment(path, PREDICTIONS)
    assert segment.records == [prediction()]
    assert segment.torn_bytes == len(tail)


def test_a_flipped_bit_ends_the_segment_before_its_record(tmp_path):
    """A record that is not what was written is not given out, and those before it are."""
    first, second = frames(prediction(request_id="r1"), prediction(request_id="r2"))
    spoilt = bytearray(HEADER + first + second)
    spoilt[-10] ^= 1
    path = tmp_path / "1-w1.seg"
    path.write_bytes(spoilt)
    assert [item.request_id for item in read_segment(path)] == ["r1"]


def test_a_record_from_before_a_field_was_added_is_read(tmp_path):
    """Fields are added at the end with a default; this is what msgspec then
    makes of older records.
    """

    class Longer(Prediction, frozen=True, array_like=True):
        added: str = "none"

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(prediction()), type=Longer).added == "none"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1" * 9, "not a segment"),
        (PREDICTIONS.magic + frame(msgspec.msgpack.encode(SegmentHeader(9, "w1", 7))), "schema 9"),
        (HEADER + frame(msgspec.msgpack.encode(["too", "few"])), "cannot be read"),
    ],
)
def test_a_file_that_is_not_understood_is_refused(tmp_path, content, message):
    """Not skipped: a record that was answered must not get lost because a reader is too old."""
    path = tmp_path / "1-w1.seg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_segment(path, PREDICTIONS)


def test_a_record_from_before_experiments_is_read(tmp_path):
    """It ends with its latency, and its customer is in no arm."""
    *fields, _, _ = msgspec.structs.astuple(prediction())
    path = tmp_path / "1-w1.seg"
    path.write_bytes(HEADER + frame(msgspec.msgpack.encode(fields)))
    assert list(read_segment(path)) == [prediction()]
