"""Several hosts write one trail on a store, and each has it as a file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from churn_platform.audit import shared_trail
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.verify import verify
from churn_platform.errors import AuditError
from churn_platform.storage.opening import open_store
from churn_platform.storage.store import Store
from churn_platform_tests.audit.conftest import add


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of its own."""
    return open_store(tmp_path / "store", setting="CHURN_STORE")


def host(log: AuditLog, store: Store, name: str) -> AuditLog:
    """The trail as a host has it."""
    return replace(log, path=log.path.with_name(f"{name}.jsonl"), by=name, store=store)


def test_two_hosts_write_one_chain(log, store):
    """Each record has its number once, and both hosts read and verify all of them."""
    hosts = [host(log, store, name) for name in ("a", "b")]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: add(hosts[number % 2], number), range(1, 21)))
    for each in hosts:
        assert [record.sequence for record in each.records()] == list(range(1, 21))
        assert verify(each.path).findings == []
        assert shared_trail.differences(store, each.path) == []
    assert hosts[0].records() == hosts[1].records()


def test_a_trail_from_before_the_store_goes_there(log, store):
    """The first append puts the older records first; another host gets them all."""
    for number in (1, 2):
        add(log, number)
    shared = replace(log, store=store)
    add(shared, 3)
    other = host(log, store, "b")
    assert other.records() == shared.records()
    assert [record.sequence for record in other.records()] == [1, 2, 3]


def test_a_crash_between_store_and_file_loses_nothing(log, store):
    """A torn line, and a record that only the store has, are made good by the next reader."""
    shared = host(log, store, "a")
    add(shared, 1)
    add(shared, 2)
    whole = shared.path.read_bytes()
    shared.path.write_bytes(whole[:-10])
    assert [record.sequence for record in shared.records()] == [1, 2]
    assert shared.path.read_bytes() == whole


def test_two_trails_are_not_mixed(log, store):
    """A host with another history is told so, and adds nothing."""
    add(host(log, store, "a"), 1)
    other = host(log, store, "b")
    alone = replace(other, store=None)
    add(alone, 7)
    add(alone, 8)
    with pytest.raises(AuditError, match="two trails"):
        add(other, 9)
    assert len(list(store.list())) == 1


def test_what_was_changed_on_the_store_is_found(log, store):
    """A record that was removed or written again there differs from the file of every host."""
    shared = host(log, store, "a")
    for number in (1, 2, 3):
        add(shared, number)
    content = store.get(shared_trail.key_of(2)).data  # type: ignore[union-attr]
    store.put(shared_trail.key_of(2), content.replace(b"not better", b"best of all"))
    store.delete(shared_trail.key_of(1))
    found = shared_trail.differences(store, shared.path)
    assert [finding.line for finding in found] == [1, 2]
    assert "was removed" in found[0].problem
    with pytest.raises(AuditError, match="was removed"):
        host(log, store, "c").records()
    store.put(shared_trail.key_of(1), shared.path.read_bytes().split(b"\n")[0])
    with pytest.raises(AuditError, match="does not fit its hash"):
        host(log, store, "d").records()


def test_records_that_come_while_one_reads_are_no_gap(log, store, monkeypatch):
    """Two that another host adds after the last read: the reader has them next time."""
    writer, reader = host(log, store, "a"), host(log, store, "b")
    add(writer, 1)
    read = shared_trail._read

    def meanwhile(place: Store, sequence: int):
        found = read(place, sequence)
        if found is None:
            patch.setattr(shared_trail, "_read", read)
            add(writer, 2)
            add(writer, 3)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(shared_trail, "_read", meanwhile)
        assert [record.sequence for record in reader.records()] == [1]
    assert [record.sequence for record in reader.records()] == [1, 2, 3]
