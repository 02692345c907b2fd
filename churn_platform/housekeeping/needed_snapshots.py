"""Which snapshots of the lake a version of a model still needs: to be compared, examined or fitted
again.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from churn_platform.months import parse_month
from churn_platform.published.live_file import read_live
from churn_platform.training.model_registry import aliases, versions
from churn_platform.warehouse.tables import read_rows

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def needed_snapshots(
    connection: duckdb.DuckDBPyConnection,
    client: "MlflowClient",
    portfolios: Iterable[str],
    published_dir: Path,
    *,
    since: datetime,
) -> set[int]:
    """The snapshots that kept versions were made from: as they recorded them, and as their month's
    training set does.

    Kept is who has an alias, who is live, and who was registered after `since`.
    """
    needed = set()
    for portfolio in portfolios:
        for version in kept_versions(client, portfolio, published_dir, since=since):
            needed.add(int(version.tags["data_snapshot"]))
            # Both: the training set of the month may have been made again since, from another
            # snapshot.
            month = parse_month(version.tags["month"])
            for row in read_rows(connection, f"{portfolio}.training_set", month):
                needed.add(row["snapshot"])

    return needed


def kept_versions(
    client: "MlflowClient", portfolio: str, published_dir: Path, *, since: datetime
) -> "list[ModelVersion]":
    """The versions that can be fitted again: with a role, or registered after `since`, and not made
    by other hands.
    """
    in_service = _in_service(client, portfolio, published_dir)
    since_ms = since.timestamp() * 1000

    kept = []
    for version in versions(client, portfolio):
        is_ours = {"month", "data_snapshot"} <= version.tags.keys()
        is_needed = int(version.version) in in_service or version.creation_timestamp >= since_ms
        if is_ours and is_needed:
            kept.append(version)

    return kept


def _in_service(client: "MlflowClient", portfolio: str, published_dir: Path) -> set[int]:
    """The versions with an alias, those that are live, and the one before them."""
    numbers = set(aliases(client, portfolio).values())
    live = read_live(published_dir / portfolio)
    if live:
        numbers.update(model.version for model in live.models)
        numbers.add(live.previous or 0)
    return numbers
