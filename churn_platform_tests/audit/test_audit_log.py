"""A record that was acknowledged is on disk and in its place, however many write and whoever is
killed.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from churn_platform.audit.audit_record import GENESIS
from churn_platform.audit.verify import verify
from churn_platform_tests.audit.conftest import add
from churn_platform_tests.support.invariants import invariant


def test_records_come_back_as_given_and_hold_the_hash_before(log):
    """Who, what, when, why and the numbers are kept; the chain starts from zeros."""
    add(log, 1)
    add(log, 2)
    first, second = log.records()
    assert (first.sequence, first.by, first.action, first.portfolio) == (
        1,
        "ada",
        "refusal",
        "tiny",
    )
    assert (first.at.isoformat(), first.version, first.reason) == (
        "2026-01-01T01:00:00+00:00",
        1,
        "not better",
    )
    assert first.details["gates"] == {"min_auc": 0.8, "min_recall": 0.65}
    assert (first.previous, second.previous, second.sequence) == (GENESIS, first.sha256, 2)


def test_a_trail_that_does_not_exist_has_no_records(log):
    """Reading makes no file."""
    assert log.records() == []
    assert not log.path.exists()


@invariant("Governance", "Several processes write one chain of audit records.")
def test_four_processes_write_one_chain(log, start):
    """4 x 50 appends: 200 records that verify, each process's own in its order, each acknowledged
    once.
    """
    writers = [start(name, 50) for name in range(4)]
    acknowledged = [int(line) for writer in writers for line in writer.communicate()[0].split()]
    records = log.records()
    assert sorted(acknowledged) == [record.sequence for record in records] == list(range(1, 201))
    assert verify(log.path).findings == []
    for name in range(4):
        own = [record.details["number"] for record in records if record.by == f"process {name}"]
        assert own == list(range(50))


def test_threads_write_one_chain(log):
    """Eight threads of one process exclude each other too."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(log, number), range(1, 81)))
    assert verify(log.path).findings == []
    assert sorted(record.version for record in log.records()) == list(range(1, 81))


@invariant("Governance", "A kill loses no audit record that was acknowledged.")
def test_kill_nine_loses_nothing_acknowledged(log, start):
    """After each kill the chain verifies or is torn at its end; acknowledged records are there, and
    it goes on.
    """
    acknowledged = 0
    for drill in range(6):
        writer = start(drill, 10_000)
        for _ in range(5 + 7 * drill):
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        rest = writer.communicate()[0].split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        found = verify(log.path)
        assert found.records >= acknowledged
        assert [finding.problem[:5] for finding in found.findings] in ([], ["torn:"])
        add(log)
        assert verify(log.path).findings == []
        acknowledged += 1


@pytest.mark.parametrize("records", [1, 3])
def test_a_tear_anywhere_is_reported_and_set_aside(log, records):
    """Cut at each byte of the last line, the file is torn there and nowhere else; the next append
    records the tear.
    """
    for number in range(records):
        add(log, number + 1)
    whole = log.path.read_bytes()
    begin = whole[:-1].rfind(b"\n") + 1
    for end in range(begin + 1, len(whole), 7):
        log.path.write_bytes(whole[:end])
        (finding,) = verify(log.path).findings
        assert (finding.line, finding.problem[:5]) == (records, "torn:")
        add(log, 9)
        *before, repair, last = log.records()
        assert (len(before), repair.action, last.version) == (records - 1, "repair", 9)
        assert repair.details["torn_start"] == whole[begin:end].decode(errors="backslashreplace")
        assert verify(log.path).findings == []
