"""A list that one host handed over is handed over on every host."""

from datetime import date
from pathlib import Path

from churn_platform.campaign.export import export_folder
from churn_platform.campaign.shared_exports import fetch_list, send_list
from churn_platform.published.atomic_files import new_folder
from churn_platform.storage.opening import open_store
from churn_platform_tests.support.tiny import TINY

MONTH = date(2025, 2, 1)


def test_another_host_finds_the_list(tmp_path: Path):
    """With its files; a list of its own is never replaced by that of the store."""
    store = open_store(tmp_path / "store", setting="CHURN_STORE")
    here, there = tmp_path / "a", tmp_path / "b"
    with new_folder(export_folder(here, TINY, MONTH)) as draft:
        (draft / "contact_list.csv").write_text("ada")
    fetch_list(store, TINY, MONTH, there)
    assert not export_folder(there, TINY, MONTH).exists()
    send_list(store, TINY, MONTH, here)
    fetch_list(store, TINY, MONTH, there)
    copy = export_folder(there, TINY, MONTH) / "contact_list.csv"
    assert copy.read_text() == "ada"
    store.put(f"tiny/contact_list/2025-02/{copy.name}", b"bob")
    fetch_list(store, TINY, MONTH, there)
    assert copy.read_text() == "ada"
