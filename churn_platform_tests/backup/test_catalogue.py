"""A back-up is found by its name, and read by the version that can."""

from datetime import timedelta

import msgspec
import pytest

from churn_platform.backup.catalogue import SCHEMA, Backup, find, keep, names
from churn_platform.errors import BackupError
from churn_platform.storage.store import Store
from churn_platform_tests.backup.conftest import FIRST, SECOND

MADE = Backup(
    made_at=FIRST, data_dir="/data", code_version="1.0", audit_head="", files=(), links=()
)


def test_the_newest_is_found_without_a_name(store: Store):
    """Names sort by time, whatever order the store lists them in."""
    assert find(store, None) is None
    for made_at in (SECOND, FIRST, SECOND + timedelta(seconds=1)):
        keep(store, msgspec.structs.replace(MADE, made_at=made_at))
    assert names(store) == ["2026-01-02T030000Z", "2026-02-02T030000Z", "2026-02-02T030001Z"]
    assert find(store, None).made_at == SECOND + timedelta(seconds=1)  # type: ignore[union-attr]
    assert find(store, "2026-01-02T030000Z") == MADE


def test_one_that_is_not_there_is_named(store: Store):
    """With those that are."""
    with pytest.raises(BackupError, match="there are none"):
        find(store, "2020-01-01T000000Z")
    keep(store, MADE)
    with pytest.raises(BackupError, match="there are 2026-01-02T030000Z"):
        find(store, "2020-01-01T000000Z")


def test_a_newer_form_and_a_damaged_list_are_refused(store: Store):
    """The error names what to do."""
    keep(store, msgspec.structs.replace(MADE, schema=SCHEMA + 1))
    with pytest.raises(BackupError, match=r"restore it with version 1\.0 or later"):
        find(store, None)
    store.put("backups/2026-01-02T030000Z.json", b"{")
    with pytest.raises(BackupError, match="is damaged"):
        find(store, None)
