"""Landed months with their gaps, champions of the trail, and disks."""

from datetime import UTC, date, datetime

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.errors import LandingError
from churn_platform.exporter.file_readings import read_champions, read_disks, read_landing
from churn_platform.exporter.readings import month_instant
from churn_platform_tests.support.tiny import TINY


def test_months_missing_are_counted_up_to_the_newest(tmp_path):
    """January and April have landed: February and March are missing."""
    for table in TINY.landed_tables:
        folder = tmp_path / TINY.name / table.name
        folder.mkdir(parents=True)
        for month in ("2025-01", "2025-04"):
            (folder / f"{month}.csv").touch()
    found = {reading.metric: reading.value for reading in read_landing(tmp_path, [TINY])}
    assert found == {
        "churn_landed_month_timestamp_seconds": month_instant(date(2025, 4, 1)),
        "churn_landing_months_missing": 2,
    }


def test_a_landing_folder_that_is_missing_is_told(tmp_path):
    """It is the folder that is wrong, not a month."""
    with pytest.raises(LandingError, match="no landing folder"):
        read_landing(tmp_path / "none", [TINY])


def test_the_champion_is_the_last_that_was_crowned(tmp_path):
    """A refusal changes nothing; a rollback counts."""
    instants = [datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
    dated = iter(instants)
    audit = AuditLog(tmp_path / "audit.jsonl", "test", lambda: next(dated))
    for action, version in (("promotion", 3), ("rollback", 2), ("refusal", 4)):
        audit.append(action, portfolio="tiny", subject=f"version {version}", reason="test")
    found = {
        reading.metric: reading.value
        for reading in read_champions(tmp_path / "audit.jsonl", [TINY])
    }
    assert found == {
        "churn_champion_version": 2,
        "churn_champion_promoted_timestamp_seconds": instants[1].timestamp(),
    }


def test_no_trail_has_no_champion(tmp_path):
    """Before the first promotion."""
    assert read_champions(tmp_path / "audit.jsonl", [TINY]) == []


def test_the_disk_of_a_folder_that_is_to_be_is_that_above_it(tmp_path):
    """Size and free space, labelled by the folder's name."""
    found = read_disks({"data": tmp_path / "to" / "be"})
    assert [(reading.metric, reading.labels) for reading in found] == [
        ("churn_disk_free_bytes", ("data",)),
        ("churn_disk_size_bytes", ("data",)),
    ]
    assert 0 <= found[0].value <= found[1].value
