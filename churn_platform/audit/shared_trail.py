"""The audit trail on a store that several hosts share: an object per record, which is only ever
created.

Record n + 1 exists or it does not, so the store itself decides who wrote it, without a lock. Each
host has the trail as a file besides, which is read and verified as on a single host.
"""

import os
from pathlib import Path

from churn_platform.audit.audit_record import GENESIS, Record, digest, encode
from churn_platform.audit.trail_file import add_records, locked, opened, parsed, read_records, tail
from churn_platform.audit.verify import Finding
from churn_platform.errors import AuditError, NoSuchObjectError, ObjectExistsError
from churn_platform.storage.store import Store


def key_of(sequence: int) -> str:
    """The key of a record; keys sort as their numbers do."""
    return f"{sequence:010d}.json"


def create(store: Store, record: Record) -> bool:
    """Put a record under its number; False, and nothing changes, if another host was first."""
    try:
        store.put(key_of(record.sequence), encode(record), mode="create")
    except ObjectExistsError:
        return False
    return True


def take_over(store: Store, file: int, path: Path) -> Record | None:
    """Add to the open file what the store has beyond it; the last record, None if there is none.

    A trail that is older than the store's goes there first. AuditError if the two are not one
    trail.
    """
    last, torn = tail(file, path)
    if torn:
        # The store has the record whole, or it was never acknowledged.
        os.ftruncate(file, os.fstat(file).st_size - len(torn))
    if last is not None and store.head(key_of(last.sequence)) is None:
        _put_what_is_missing(store, path)
    fresh = []
    while (record := _read(store, last.sequence + 1 if last else 1)) is not None:
        _require_next(record, last, store)
        fresh.append(record)
        last = record
    if fresh:
        # At once: each write is synced, and a new host takes over a whole trail.
        add_records(file, path, fresh)
    _require_end(store, last.sequence if last else 0)
    return last


def copy_here(store: Store, path: Path) -> None:
    """Bring this host's file to what the store has."""
    with locked(path), opened(path) as file:
        take_over(store, file, path)


def differences(store: Store, path: Path) -> list[Finding]:
    """Records of the file that the store holds otherwise, or not at all."""
    stored = {found.key for found in store.list()}
    found = []
    for record in read_records(path):
        key = key_of(record.sequence)
        if key not in stored:
            found.append(Finding(record.sequence, f"{store.location} has no {key}: it was removed"))
        elif _read(store, record.sequence) != record:
            found.append(Finding(record.sequence, f"{key} in {store.location} is another record"))
    return found


def _read(store: Store, sequence: int) -> Record | None:
    key = key_of(sequence)
    try:
        content = store.read(key)
    except NoSuchObjectError:
        return None
    return parsed(content, f"{key} in {store.location}")


def _require_next(record: Record, last: Record | None, store: Store) -> None:
    if digest(record) != record.sha256:
        raise AuditError(
            f"{key_of(record.sequence)} in {store.location} was changed: its content does not fit "
            "its hash; run `churn audit verify` on a host that has the trail as a file"
        )
    before = last.sha256 if last else GENESIS
    if record.previous != before:
        raise AuditError(
            f"record {record.sequence} in {store.location} does not follow the last one of this "
            "host: they are two trails; set this host's file aside, or give it another store"
        )


def _require_end(store: Store, last: int) -> None:
    """AuditError if records follow a gap: a host that added one there would begin another trail."""
    # In this order: another host may have added both since the last read, the first one first.
    if store.head(key_of(last + 2)) is not None and store.head(key_of(last + 1)) is None:
        raise AuditError(
            f"{store.location} has no {key_of(last + 1)}, and records after it: it was removed; "
            "run `churn audit verify` on a host that has the trail as a file"
        )


def _put_what_is_missing(store: Store, path: Path) -> None:
    """Put the records of a file that was begun before there was a store."""
    for record in read_records(path):
        if not create(store, record) and _read(store, record.sequence) != record:
            raise AuditError(
                f"record {record.sequence} of {path} is another one in {store.location}: they are "
                "two trails; set this host's file aside, or give it another store"
            )
