"""The whole of housekeeping: what goes, in which order, and what an installation weighs before and
after.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from churn_platform.bundles.shared_portfolio import shared_portfolio
from churn_platform.housekeeping.needed_snapshots import needed_snapshots
from churn_platform.housekeeping.old_folders import (
    Size,
    newest_months,
    remove_months,
    remove_untouched,
    size_in_store,
    size_of,
)
from churn_platform.housekeeping.tracked_runs import remove_runs
from churn_platform.markdown import table
from churn_platform.months import parse_month
from churn_platform.published.live_file import read_live
from churn_platform.published.page_bundle import PAGE_DIR
from churn_platform.settings import Settings
from churn_platform.storage.location import is_url
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.maintenance import GRACE, tidy

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Retention:
    """Until when what is kept: states of the lake and working files, history, and newest months of
    look-ups.
    """

    lake_since: datetime
    history_since: datetime
    published_months: int
    grace: timedelta = GRACE

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> "Retention":
        """The retention that the settings ask for."""
        return cls(
            now - timedelta(days=settings.housekeeping_lake_days),
            now - timedelta(days=settings.housekeeping_history_days),
            settings.housekeeping_published_months,
        )


@dataclass(frozen=True)
class Kept:
    """What housekeeping took away, by kind, and what each place weighed before and after."""

    removed: dict[str, int]
    before: dict[str, Size]
    after: dict[str, Size]


def keep_house(
    settings: Settings,
    portfolios: Sequence[str],
    client: "MlflowClient",
    retention: Retention,
    *,
    forget_runs: Callable[[datetime], Mapping[str, int]],
) -> Kept:
    """Remove what the retention lets go; landed files, tables, registered versions and the audit
    trail are not touched.

    `forget_runs` does the same for the orchestrator's history, up to a time. Every step can be
    interrupted, and all of them together may run again, beside runs and readers.
    """
    before = weigh(settings)
    removed = dict(forget_runs(retention.history_since))

    removed["MLflow runs"] = 0
    for name in portfolios:
        removed["MLflow runs"] += remove_runs(client, name, before=retention.history_since)

    removed |= _tidy_lake(settings, portfolios, client, retention)
    removed["published months"] = 0
    removed["reports and exports"] = 0
    for name in portfolios:
        lookups = settings.published_dir / name
        removed["published months"] += _remove_lookups(lookups, retention)
        removed["reports and exports"] += _remove_pages(settings, name, retention)
        if shared := shared_portfolio(settings, name):
            orphans = shared.sweep(before=retention.lake_since)
            removed["objects of the store"] = removed.get("objects of the store", 0) + orphans

    working = _working_entries(settings)
    removed["working files"] = remove_untouched(working, since=retention.lake_since)
    return Kept(removed, before, weigh(settings))


def _tidy_lake(
    settings: Settings, portfolios: Sequence[str], client: "MlflowClient", retention: Retention
) -> dict[str, int]:
    lake = Lake.of(settings)
    since = retention.history_since
    published = settings.published_dir
    with closing(connect(lake, read_only=True)) as connection:
        needed = needed_snapshots(connection, client, portfolios, published, since=since)

    done = tidy(lake, needed, until=retention.lake_since, grace=retention.grace)
    return {
        "snapshots of the lake": done.snapshots,
        "files of the lake": done.files,
    }


def _remove_lookups(root: Path, retention: Retention) -> int:
    """Look-ups are made again by materializing `published_features`; what is live stays, however
    old.
    """
    # Look-ups are large and can be made again. Model bundles stay: they are small, and a rollback
    # needs them.
    folder = root / "features"
    oldest = newest_months(folder, retention.published_months)
    live = read_live(root)
    if live and live.features_month:
        # A rollback may have made an older month live.
        oldest = min(oldest, parse_month(live.features_month))

    pages = remove_months(root / PAGE_DIR, before=oldest)
    return len(remove_months(folder, before=oldest)) + len(pages)


def _remove_pages(settings: Settings, portfolio: str, retention: Retention) -> int:
    oldest = retention.history_since.date().replace(day=1)
    reports = settings.published_dir / portfolio / "reports"
    lists = settings.exports_dir / portfolio / "contact_list"
    removed = remove_months(reports, before=oldest) + remove_months(lists, before=oldest)
    return len(removed)


def _working_entries(settings: Settings) -> list[Path]:
    root = settings.root
    return [
        *(root / "dbt_target").glob("dbt_models-*"),  # of before each portfolio had its own
        *(root / "dbt_target").glob("*/dbt_models-*"),
        *(root / "tmp").glob("*"),
        *(root / "logs").glob("*"),
    ]


def places(settings: Settings) -> dict[str, list[Path]]:
    """Where an installation keeps what, as far as it is in folders of this machine."""
    root = settings.root
    catalog = Lake.of(settings).sqlite_path
    return {
        "landed files": [settings.landing_dir],
        "lake": [] if is_url(settings.lake_files) else [Path(settings.lake_files)],
        "catalog": [catalog, catalog.with_name(f"{catalog.name}-wal")] if catalog else [],
        "published": [settings.published_dir],
        "exports": [settings.exports_dir],
        "MLflow": [root / "mlflow.db", root / "mlflow_artifacts"],
        "Dagster": [root / "dagster"],
        "working files": [root / "dbt_target", root / "tmp", root / "logs"],
        "records": [root / "audit", root / "costs", settings.serving_log_dir],
    }


def weigh(settings: Settings) -> dict[str, Size]:
    """The size of each place, in folders and in a store."""
    sizes = {}
    for name, paths in places(settings).items():
        sizes[name] = sum(map(size_of, paths), start=Size(0, 0))
    if is_url(settings.lake_files):
        sizes["lake"] = size_in_store(Lake.of(settings).opened.list())
    return sizes


def as_markdown(kept: Kept) -> str:
    """Places with their sizes, then what was removed."""
    rows = []
    for name, before in kept.before.items():
        after = kept.after[name]
        row = [
            name,
            f"{before.files:,}",
            f"{after.files:,}",
            f"{before.size_bytes / 1e6:,.1f}",
            f"{after.size_bytes / 1e6:,.1f}",
        ]
        rows.append(row)

    removed = []
    for name, count in kept.removed.items():
        if count:
            removed.append(f"{count:,} {name}")

    head = ["place", "files before", "after", "MB before", "after"]
    return f"{table(head, rows)}\n\nremoved: {', '.join(removed) or 'nothing'}"
