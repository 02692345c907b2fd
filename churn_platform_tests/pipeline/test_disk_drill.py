"""A disk that is really full, in what every stage writes: `make drills-check`.

The disk is a tmpfs of its own, which only root may mount.
"""

import os
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.verify import verify
from churn_platform.backup.back_up import back_up
from churn_platform.backup.catalogue import names
from churn_platform.ingest.load import load_month
from churn_platform.published.atomic_files import new_folder
from churn_platform.settings import load_settings
from churn_platform.simulator import SimulationConfig, simulate
from churn_platform.storage.opening import open_store
from churn_platform.warehouse.damage import find_damage
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.lake_files import lake_files
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.checksums import checksums
from churn_platform_tests.support.graph_runs import HASH_KEY, Graph
from churn_platform_tests.support.small_disk import Disk
from churn_platform_tests.support.tiny import JANUARY
from churn_platform_tests.support.tiny_lake import tiny_lake

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a tmpfs"),
]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def disk_lake(disk: Disk, extensions: Path) -> Lake:
    """A lake on that disk, whose files have a month."""
    lake = replace(tiny_lake(disk.folder, extensions), wait_seconds=60)
    put(lake, 1)
    return lake


def put(lake: Lake, x: int) -> None:
    """Write a month of numbers that pack badly."""
    select = f"select date '{JANUARY}' as month, hash(range + {x}) as x from range(500_000)"
    with closing(connect(lake)) as connection:

        def work() -> None:
            ensure_table(connection, "s.t", {"month": "date", "x": "ubigint"})
            replace_month(connection, "s.t", JANUARY, select)

        write(connection, lake, work)


def damage(lake: Lake) -> list:
    """What is damaged."""
    with closing(connect(lake, read_only=True)) as connection:
        return find_damage(lake, lake_files(connection, lake))


def test_a_table_keeps_its_month(disk: Disk, disk_lake: Lake) -> None:
    """Features, scores, lists and drift are written like this; with space again the same goes."""
    before = checksums(disk_lake, "s")
    disk.refuses(lambda: put(disk_lake, 2))
    assert checksums(disk_lake, "s") == before
    assert damage(disk_lake) == []
    put(disk_lake, 2)
    assert checksums(disk_lake, "s") != before
    assert damage(disk_lake) == []


def test_a_commit_that_finds_no_space_for_the_catalog_is_none(disk: Disk, disk_lake: Lake) -> None:
    """Not a page is left for the catalog, and the rows are small."""
    before = checksums(disk_lake, "s")
    with closing(connect(disk_lake)) as connection:

        def one_row() -> None:
            connection.execute(f"insert into s.t values (date '{JANUARY}', 1)")

        disk.refuses(lambda: write(connection, disk_lake, one_row), left_bytes=0)
        assert checksums(disk_lake, "s") == before
        write(connection, disk_lake, one_row)
    assert damage(disk_lake) == []


def test_ingest_keeps_the_month_before(disk: Disk, tmp_path: Path, extensions: Path) -> None:
    """A landed file is read from another disk, and its rows find no place."""
    config = SimulationConfig(customers=2_000, months=1, seed=3, calls_per_customer=60)
    simulate(config, tmp_path / "landing", tmp_path / "truth")
    portfolio = Graph(tmp_path / "graph").portfolio("telecomit")
    lake = tiny_lake(disk.folder, extensions)
    with closing(connect(lake)) as connection:

        def load(table: str = "cdr") -> object:
            return load_month(
                connection,
                lake,
                portfolio,
                portfolio.table(table),
                config.first_month,
                landing_dir=tmp_path / "landing",
                hash_key=HASH_KEY,
            )

        load("customers")
        disk.refuses(load)
        load()
        rows = connection.execute("select count(*) from telecomit_raw.cdr").fetchone()
    assert rows is not None
    assert rows[0] > 50_000
    assert damage(lake) == []


def test_a_decision_is_recorded_whole_or_not(disk: Disk) -> None:
    """The trail stays intact, and goes on with the next record."""
    log = AuditLog(disk.folder / "audit" / "audit.jsonl", "ada", lambda: NOW)
    decision = {"portfolio": "tiny", "subject": "version 1"}
    log.append("promotion", **decision, reason="first")
    disk.refuses(lambda: log.append("refusal", **decision, reason="x" * 50_000), left_bytes=0)
    assert verify(log.path).findings == []
    log.append("refusal", **decision, reason="second")
    checked = verify(log.path)
    assert checked.findings == []


def test_a_bundle_is_published_whole_or_not(disk: Disk) -> None:
    """What was live stays, and no draft takes the space."""
    target = disk.folder / "published" / "1"

    def publish(text: str) -> None:
        with new_folder(target) as draft:
            (draft / "model.onnx").write_text(text)

    publish("first")
    disk.refuses(lambda: publish("x" * 1_000_000))
    assert (target / "model.onnx").read_text() == "first"
    publish("second")
    assert (target / "model.onnx").read_text() == "second"
    assert len(list(target.parent.iterdir())) == 2  # the link and what it leads to


def test_a_back_up_that_finds_no_space_is_none(disk: Disk, tmp_path: Path) -> None:
    """The next one goes on with what was copied."""
    settings = load_settings(data_dir=tmp_path / "data")
    for number in range(5):
        path = settings.root / "lake" / f"{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]) * 100_000)
    store = open_store(disk.folder / "kept", setting="the place given")
    disk.refuses(lambda: back_up(settings, store, now=NOW))
    assert names(store) == []
    _, made = back_up(settings, store, now=NOW)
    assert len(made.files) == 5
