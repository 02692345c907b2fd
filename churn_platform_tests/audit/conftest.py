"""A trail with a clock that stands still between records, and processes that write to one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from churn_platform.audit.audit_log import AuditLog

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from churn_platform.audit.audit_log import AuditLog
log = AuditLog(Path(sys.argv[1]), by=f"process {sys.argv[2]}", now=lambda: datetime.now(UTC))
for number in range(int(sys.argv[3])):
    what = {"portfolio": "tiny", "subject": "version 1", "reason": "drill"}
    made = log.append("refusal", **what, details={"number": number})
    print(made.sequence, flush=True)
"""
Start = Callable[[int, int], subprocess.Popen[str]]


def add(log: AuditLog, number: int = 1) -> None:
    """A refusal of a version."""
    details = {"auc": 0.8125, "grund": "zu früh", "gates": {"min_recall": 0.65, "min_auc": 0.8}}
    log.append(
        "refusal",
        portfolio="tiny",
        subject=f"version {number}",
        reason="not better",
        details=details,
    )


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """A trail that does not exist yet, an hour between its records."""
    hours = count(1)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return AuditLog(
        tmp_path / "audit" / "audit.jsonl", "ada", lambda: begin + timedelta(hours=next(hours))
    )


@pytest.fixture
def start(log: AuditLog) -> Iterator[Start]:
    """Starts a process that appends so many records and prints the number of
    each acknowledged one.
    """
    processes: list[subprocess.Popen[str]] = []

    def start(name: int, records: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, str(log.path), str(name), str(records)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()
