"""What a version in service was made from is needed, however old; of the others, what is young."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from churn_platform.graph.resources.tracking import Tracking
from churn_platform.housekeeping.needed_snapshots import kept_versions, needed_snapshots
from churn_platform.published.live_file import go_live
from churn_platform.training.model_registry import register, set_champion
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import replace_rows, write
from churn_platform_tests.support.tiny import JANUARY

LATER, EARLIER = datetime(2100, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)
NAMES = count(1)


@pytest.fixture
def client(tracking: Tracking) -> Any:
    """The tracking store that the session shares."""
    return tracking.client()


@pytest.fixture
def name(client: Any) -> str:
    """A portfolio with versions 1 to 5 of January, made from snapshots 10 to 50; 5 is the
    challenger.
    """
    portfolio = f"kept_{next(NAMES)}"
    for number in range(1, 6):
        run_id = client.create_run("0").info.run_id
        tags = {"month": "2025-01", "data_snapshot": f"{number}0"}
        register(
            client, portfolio, model_uri="runs:/x/m", run_id=run_id, description="none", tags=tags
        )
    set_champion(client, portfolio, 4, previous=3)
    return portfolio


@pytest.fixture
def connection(lake: Lake, name: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake whose training set of January was made anew, from snapshot 99, and one of February
    from 7.
    """
    with closing(connect(lake)) as opened:
        for month, snapshot in ((JANUARY, 99), (date(2025, 2, 1), 7)):
            rows = pa.table({"month": [month], "snapshot": [snapshot]})
            columns = {"month": "date", "snapshot": "bigint"}
            write(
                opened,
                lake,
                partial(replace_rows, opened, f"{name}.training_set", columns, month, rows),
            )
        yield opened


def kept(client: Any, name: str, folder: Path, since: datetime) -> set[int]:
    """Numbers of the versions that are kept."""
    return {int(version.version) for version in kept_versions(client, name, folder, since=since)}


def test_who_has_a_role_is_kept(client: Any, name: str, tmp_path: Path):
    """Champion, the one before and the challenger; and whoever is live, although the registry says
    otherwise.
    """
    assert kept(client, name, tmp_path, LATER) == {3, 4, 5}
    go_live(tmp_path / name, name, champion=1)
    assert kept(client, name, tmp_path, LATER) == {1, 3, 4, 5}


def test_who_is_young_is_kept(client: Any, name: str, tmp_path: Path):
    """Refused ones included; a version made by hand says nothing of a snapshot."""
    client.create_model_version(name, "runs:/x/m")
    assert kept(client, name, tmp_path, EARLIER) == {1, 2, 3, 4, 5}


def test_needed_is_what_they_were_made_from(
    client: Any, name: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
):
    """The snapshot of their record, and the one that their month's training set names by now."""
    assert needed_snapshots(connection, client, [name], tmp_path, since=LATER) == {30, 40, 50, 99}
    assert needed_snapshots(connection, client, ["unheard_of"], tmp_path, since=LATER) == set()
