"""What of a data folder is kept."""

from churn_platform.backup.parts import find_parts
from churn_platform_tests.backup.conftest import write


def test_databases_are_told_by_content_and_links_by_kind(settings):
    """Working files, locks and what a process is writing are left out."""
    write(settings.root / "catalog.writer.lock", "")
    write(settings.root / "serving" / "metrics" / "counter_1.db", "counts")
    (settings.root / "named.db").write_text("no database")
    found = find_parts(settings.root, landing=False)
    assert found.databases == ("catalog.sqlite",)
    assert found.links == ("published/tiny/models/1",)
    stored = [name for name in found.files if not name.startswith("published/")]
    assert stored == ["lake/tiny/1.parquet", "named.db", "secrets/phone_hash.key"]
    assert len(found.files) == len(stored) + 1


def test_an_empty_folder_has_nothing(tmp_path):
    """As one that is not there."""
    assert find_parts(tmp_path / "none", landing=True).files == ()
