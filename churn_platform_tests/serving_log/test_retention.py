"""Answers go after their time, from the disk too, and never before they were in the lake."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from churn_platform.serving_log.log_ingestion import ingest_segments
from churn_platform.serving_log.retention import forget_answers
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.maintenance import tidy
from churn_platform.warehouse.purge import data_files
from churn_platform_tests.serving_log.test_log_ingestion import (
    FEBRUARY_US,
    NEW_YEAR_US,
    connection,
    folder,
    ids,
    log,
)
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.predictions import prediction
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY

__all__ = ["connection", "folder"]  # fixtures


def rename_to(segment: Path, opened_at_us: int) -> Path:
    """The segment as if it had been opened then."""
    return segment.rename(segment.with_name(f"{opened_at_us:016d}-w1.seg"))


def test_answers_of_earlier_months_go_and_later_ones_stay(connection, lake, folder):
    """A month counts whole; doing it again finds nothing more."""
    log(
        folder,
        prediction(request_id="old", at_us=FEBRUARY_US - 1),
        prediction(request_id="new", at_us=FEBRUARY_US),
    )
    ingest_segments(connection, lake, "tiny", folder)
    assert forget_answers(connection, lake, "tiny", folder, before=JANUARY) == 0
    assert forget_answers(connection, lake, "tiny", folder, before=FEBRUARY) == 1
    assert ids(connection) == ["new"]
    assert forget_answers(connection, lake, "tiny", folder, before=FEBRUARY) == 0


@invariant("Service", "No logged answer is removed before the lake has it.")
def test_a_segment_that_waits_is_never_touched(connection, lake, folder):
    """However old its answers are: first they are taken over, then they can go."""
    ingest_segments(connection, lake, "tiny", folder)
    segment = rename_to(log(folder, prediction(request_id="old", at_us=NEW_YEAR_US)), NEW_YEAR_US)
    assert forget_answers(connection, lake, "tiny", folder, before=date(2030, 1, 1)) == 0
    assert segment.exists()
    ingest_segments(connection, lake, "tiny", folder)
    assert ids(connection) == ["old"]


def test_a_forgotten_segment_that_comes_back_stays_forgotten(connection, lake, folder):
    """The ledger remembers what the table no longer does."""
    segment = log(folder, prediction(at_us=NEW_YEAR_US))
    content = segment.read_bytes()
    ingest_segments(connection, lake, "tiny", folder)
    forget_answers(connection, lake, "tiny", folder, before=FEBRUARY)
    segment.write_bytes(content)
    ingest_segments(connection, lake, "tiny", folder)
    assert ids(connection) == []


def test_torn_segments_go_with_their_month(connection, lake, folder):
    """Their whole records are in the lake, and age there alike."""
    for at_us in (NEW_YEAR_US, FEBRUARY_US):
        segment = rename_to(log(folder, prediction(request_id=str(at_us), at_us=at_us)), at_us)
        segment.write_bytes(segment.read_bytes() + b"half")
    assert ingest_segments(connection, lake, "tiny", folder).torn == 2
    forget_answers(connection, lake, "tiny", folder, before=FEBRUARY)
    assert [int(path.name.split("-")[0]) for path in (folder / "torn").iterdir()] == [FEBRUARY_US]


@invariant("Service", "Logged answers leave the disk after their time.")
def test_forgotten_answers_leave_the_disk_with_housekeeping(connection, lake, folder):
    """Until then time travel sees them; afterwards no file holds them, and what is kept can be
    read.
    """
    old = [prediction(request_id=f"old-{number}", at_us=NEW_YEAR_US) for number in range(50)]
    log(
        folder,
        *old,
        *(prediction(request_id=f"new-{number}", at_us=FEBRUARY_US) for number in range(50)),
    )
    ingest_segments(connection, lake, "tiny", folder)
    forget_answers(connection, lake, "tiny", folder, before=FEBRUARY)
    connection.close()
    tidy(lake, set(), until=datetime.now(UTC) + timedelta(days=1), grace=timedelta(0))
    assert not [key for key in data_files(lake) if b"old-" in Path(lake.files, key).read_bytes()]
    with closing(connect(lake, read_only=True)) as again:
        assert len(ids(again)) == 50
