"""Compliance finds the newest records of the audit trail, and whether its chain holds."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance, ExecuteInProcessResult, materialize

from churn_platform.audit.audit_log import AuditLog
from churn_platform.graph.assets.audit_assets import audit_assets
from churn_platform.settings import Settings, load_settings

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CUSTOMER = "ab" * 31 + "7f"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation whose trail has a promotion and an erasure."""
    settings = load_settings(data_dir=tmp_path)
    log = AuditLog(settings.audit_path, "ada", lambda: NOON)
    log.append("promotion", portfolio="tiny", subject="version 1", reason="better")
    log.append("erasure", portfolio="tiny", subject=f"customer {CUSTOMER}", reason="asked")
    return settings


def made(settings: Settings) -> ExecuteInProcessResult:
    """The asset, materialized."""
    with DagsterInstance.ephemeral() as instance:
        return materialize(audit_assets(["tiny"], settings), instance=instance)


def test_the_newest_records_are_shown_and_customers_masked(settings: Settings):
    """Number, time, actor, action and subject, the last one first."""
    (event,) = made(settings).get_asset_materialization_events()
    shown = str(event.materialization.metadata["newest"].value)
    newest, oldest = shown.splitlines()[2:4]
    assert newest.startswith("| 2 | 2026-01-02 12:00:00 | ada | erasure | tiny | customer ")
    assert CUSTOMER not in shown
    assert oldest == "| 1 | 2026-01-02 12:00:00 | ada | promotion | tiny | version 1 |"


def test_an_intact_chain_passes(settings: Settings):
    """With the number of its records."""
    (check,) = made(settings).get_asset_check_evaluations()
    assert check.passed
    assert check.description == "2 records, 0 heads that Dagster noted: intact"


@pytest.mark.parametrize("changed", [(b"ada", b"eve"), (b'{"sequence":1', b'"sequence":1')])
def test_a_changed_record_is_a_red_light(settings: Settings, changed: tuple[bytes, bytes]):
    """And one that can no longer be read; the light names the line."""
    trail = settings.audit_path
    trail.write_bytes(trail.read_bytes().replace(*changed, 1))
    (check,) = made(settings).get_asset_check_evaluations()
    assert not check.passed
    assert "line 1" in str(check.description)
