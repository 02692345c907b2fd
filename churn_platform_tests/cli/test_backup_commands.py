"""A data folder goes elsewhere and comes back by three commands."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.errors import BackupError
from churn_platform.settings import Settings
from churn_platform_tests.cli.conftest import Churn

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_there_and_back(churn: Churn, settings: Settings, tmp_path: Path, monkeypatch):
    """The restored trail has the head that was printed with the back-up."""
    log = AuditLog(settings.audit_path, "ada", lambda: NOON)
    log.append("promotion", portfolio="tiny", subject="version 1", reason="first")
    kept, new = str(tmp_path / "kept"), tmp_path / "new"
    (head,) = re.findall(r"1:[0-9a-f]{64}", churn("backup", kept).stdout)
    (name,) = re.findall(r"^\S+Z", churn("backups", kept).stdout, re.MULTILINE)
    monkeypatch.setenv("CHURN_DATA_DIR", str(new))
    restored = churn("restore", kept, "--name", name).stdout
    assert f"churn audit verify --head {head}" in restored
    copy = new / "audit" / "audit.jsonl"
    assert copy.read_bytes() == settings.audit_path.read_bytes()
    with pytest.raises(BackupError, match="is not empty"):
        churn("restore", kept)
