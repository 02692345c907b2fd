"""What reaches the file is whole and on disk, and what is damaged there is named."""

import os
from pathlib import Path

import pytest

from churn_platform.audit import trail_file
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.verify import verify
from churn_platform.errors import AuditError
from churn_platform_tests.audit.conftest import add


def test_a_full_disk_leaves_the_trail_as_it_was(log, monkeypatch):
    """A write that the system takes only half of is taken back and reported."""
    add(log)
    before = log.path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(
            trail_file.os, "write", lambda file, lines, write=os.write: write(file, lines[:40])
        )
        with pytest.raises(AuditError, match=r"40 of .* bytes written; nothing was recorded"):
            add(log)
    assert log.path.read_bytes() == before
    add(log)
    assert verify(log.path).findings == []


def test_every_append_reaches_the_disk(log, monkeypatch):
    """The file is synced after each record, its folder when the file is made."""
    synced: list[str] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(trail_file.os, "fsync", spy)
    add(log)
    folder = log.path.parent
    assert synced == [str(folder.parent), str(folder), str(log.path)]
    add(log)
    assert synced[3:] == [str(log.path)]


def test_nothing_is_chained_to_a_damaged_end(log):
    """Where the last line was changed, appending is refused and says what to run."""
    add(log)
    whole = log.path.read_bytes()
    for damaged in (
        whole.replace(b"0.8125", b"0.8126"),
        b"\n",
        whole + b"{}\n",
        whole + b"x" * 300_000,
    ):
        log.path.write_bytes(damaged)
        with pytest.raises(AuditError, match="run `churn audit verify`"):
            add(log)
        assert log.path.read_bytes() == damaged


def test_a_long_trail_is_appended_to_by_its_end(log, tmp_path):
    """Beyond what is read of the file's end, the chain goes on as before."""
    large = {"text": "x" * 60_000}
    for number in range(1, 13):
        log.append(
            "refusal", portfolio="tiny", subject=f"version {number}", reason="x", details=large
        )
    assert log.path.stat().st_size > 8 * trail_file.RECORD_BYTES_MAX
    assert verify(log.path).findings == []


def test_reading_names_a_line_that_holds_no_record(log):
    """A damaged line in the middle is told by number."""
    for _ in range(3):
        add(log)
    lines = log.path.read_bytes().split(b"\n")
    log.path.write_bytes(b"\n".join([lines[0], b"nonsense", lines[2], b""]))
    with pytest.raises(AuditError, match=r"line 2 of .*audit\.jsonl holds no audit record"):
        AuditLog(log.path, "ada", log.now).records()
