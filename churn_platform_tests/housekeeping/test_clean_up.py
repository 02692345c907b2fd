"""What housekeeping keeps until when, where an installation keeps what, and how it is told."""

from datetime import UTC, datetime

from churn_platform.housekeeping.clean_up import Kept, Retention, as_markdown, places, weigh
from churn_platform.housekeeping.old_folders import Size
from churn_platform.settings import load_settings


def test_the_lake_and_the_history_have_days_of_their_own(tmp_path):
    """Counted back from now."""
    settings = load_settings(
        data_dir=tmp_path,
        housekeeping_lake_days=7,
        housekeeping_history_days=31,
        housekeeping_published_months=3,
    )
    retention = Retention.of(settings, datetime(2026, 3, 1, tzinfo=UTC))
    assert retention.lake_since == datetime(2026, 2, 22, tzinfo=UTC)
    assert retention.history_since == datetime(2026, 1, 29, tzinfo=UTC)
    assert retention.published_months == 3


def test_each_place_is_weighed(tmp_path):
    """Files count where they are; what is not there weighs nothing."""
    settings = load_settings(data_dir=tmp_path)
    for name, size in (("dbt_target", 3), ("logs", 4), ("audit", 5)):
        (settings.root / name).mkdir(parents=True)
        (settings.root / name / "file").write_bytes(b"x" * size)
    weights = weigh(settings)
    assert weights["working files"] == Size(2, 7)
    assert weights["records"] == Size(1, 5)
    assert weights["MLflow"] == Size(0, 0)


def test_the_catalog_is_weighed_with_what_waits_beside_it(tmp_path):
    """SQLite keeps the newest pages in another file."""
    names = [path.name for path in places(load_settings(data_dir=tmp_path))["catalog"]]
    assert names[1] == f"{names[0]}-wal"


def test_what_was_removed_is_told_without_what_was_not():
    """Sizes in megabytes before and after; kinds of which nothing went are left out."""
    kept = Kept(
        {"published months": 2, "MLflow runs": 0, "working files": 1_500},
        {"lake": Size(1_200, 2_500_000)},
        {"lake": Size(200, 1_000_000)},
    )
    *_, row, _, removed = as_markdown(kept).splitlines()
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        *("lake", "1,200", "200", "2.5", "1.0"),
    ]
    assert removed == "removed: 2 published months, 1,500 working files"


def test_nothing_removed_is_said():
    """Not an empty list."""
    assert as_markdown(Kept({"MLflow runs": 0}, {}, {})).endswith("removed: nothing")
