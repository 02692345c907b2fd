"""Records of the trail as a page shows them."""

from datetime import UTC, datetime
from pathlib import Path

from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.record_tables import champions_as_markdown

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_the_newest_champion_comes_first_and_its_reason_adds_no_column(tmp_path: Path):
    """Version, instant, act, actor and reason; what a person wrote is text."""
    log = AuditLog(tmp_path / "audit.jsonl", "ada", lambda: NOON)
    log.append("promotion", portfolio="tiny", subject="version 1", reason="first")
    log.append("rollback", portfolio="tiny", subject="version 3", reason="a | b")
    newest, oldest = champions_as_markdown(log.records()).splitlines()[2:]
    assert newest == r"| 3 | 2026-01-02 12:00:00 | rollback | ada | a \| b |"
    assert oldest == "| 1 | 2026-01-02 12:00:00 | promotion | ada | first |"
