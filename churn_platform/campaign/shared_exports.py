"""Exported lists on a store that hosts share: one that any host handed over is handed over."""

from datetime import date
from pathlib import Path

from churn_platform.campaign.export import export_folder
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.atomic_files import new_folder
from churn_platform.storage.store import Store


def fetch_list(store: Store | None, portfolio: Portfolio, month: date, exports_dir: Path) -> None:
    """Bring a month's list that another host has exported into the folder of this one."""
    target = export_folder(exports_dir, portfolio, month)
    if store is None or target.exists():
        return
    found = list(store.list(str(target.relative_to(exports_dir))))
    if not found:
        return
    with new_folder(target) as draft:
        for each in found:
            store.download(each.key, draft / each.key.rpartition("/")[2])


def send_list(store: Store | None, portfolio: Portfolio, month: date, exports_dir: Path) -> None:
    """Put a month's list on the store, in place of what was there."""
    if store is None:
        return
    folder = export_folder(exports_dir, portfolio, month)
    for path in sorted(folder.iterdir()):
        store.upload(path, f"{folder.relative_to(exports_dir)}/{path.name}")
