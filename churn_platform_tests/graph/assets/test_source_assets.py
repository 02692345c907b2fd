"""Tables that are read from a source are assets before the raw ones, and leave no credential."""

from datetime import date
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, materialize

from churn_platform.errors import SourceUnreachableError
from churn_platform.graph.assets import source_assets as module
from churn_platform.graph.assets.ingest_assets import raw_assets
from churn_platform.graph.assets.source_assets import source_assets
from churn_platform.settings import Settings, load_settings
from churn_platform.sources import failures
from churn_platform_tests.support.own_operator import MAY, OwnOperator, own_operator
from churn_platform_tests.support.ports import free_ports

PASSWORD = "Geheim-0815"
APRIL = date(2026, 4, 1)


@pytest.fixture
def own(tmp_path: Path, extensions: Path) -> OwnOperator:
    """The operator, for a test to change."""
    return own_operator(tmp_path, extensions)


@pytest.fixture
def settings(own: OwnOperator) -> Settings:
    """Settings whose folders are the operator's."""
    data = own.folder / "data"
    data.mkdir()
    (data / "duckdb_extensions").symlink_to(own.extensions)
    return load_settings(data_dir=data, portfolios_dir=own.folder)


def run(own: OwnOperator, settings: Settings, instance: DagsterInstance, *months: date):
    """Materialize the calls of a range of months."""
    assets = source_assets(own.portfolio, settings)
    return materialize(
        [asset for asset in assets if asset.key.path[-1] == "calls"],
        instance=instance,
        raise_on_error=False,
        tags={
            "dagster/asset_partition_range_start": str(months[0]),
            "dagster/asset_partition_range_end": str(months[-1]),
        },
    )


def test_the_raw_table_comes_after_what_is_read(own, settings):
    """A table that is landed by people has no such asset."""
    own.given["tables"][0].pop("from")
    portfolio = own.portfolio
    assert [asset.key for asset in source_assets(portfolio, settings)] == [
        AssetKey(["own_source", "calls"])
    ]
    upstream = {
        asset.key.path[-1]: set(asset.dependency_keys) for asset in raw_assets(portfolio, settings)
    }
    assert upstream["customers"] == set()
    assert AssetKey(["own_source", "calls"]) in upstream["calls"]


def test_months_of_a_run_land_and_a_failed_one_is_resumed(own, settings, monkeypatch):
    """May's file is not read a second time once April is corrected."""
    read = []
    real = module.extract_month

    def watched(portfolio, table, month, **given):
        read.append(month)
        return real(portfolio, table, month, **given)

    monkeypatch.setattr(module, "extract_month", watched)
    own.execute("update usage set art = 'X' where no = 'K4'")
    with DagsterInstance.ephemeral() as instance:
        assert not run(own, settings, instance, APRIL, MAY).success
        own.execute("update usage set art = 'V' where no = 'K4'")
        assert run(own, settings, instance, APRIL, MAY).success
    assert read == [APRIL, MAY, APRIL]
    folder = settings.landing_dir / "own" / "calls"
    assert sorted(path.name for path in folder.iterdir()) == ["2026-04.parquet", "2026-05.parquet"]


def test_nothing_that_a_run_leaves_behind_has_a_credential(own, settings, monkeypatch, capfd):
    """Neither the database of runs, nor files, nor what is printed, where a source refuses."""
    monkeypatch.setenv("OWN_CRM_PASSWORD", PASSWORD)
    monkeypatch.setattr(failures, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(failures, "LONGEST_WAIT_SECONDS", 0)
    own.given["sources"]["crm"] = {
        "kind": "postgres",
        "host": "127.0.0.1",
        "port": free_ports(1)[0],
        "database": "crm",
        "user": "churn",
        "password": {"env": "OWN_CRM_PASSWORD"},
        "attempts": 2,
    }
    (own.folder / "dagster").mkdir()
    with DagsterInstance.local_temp(str(own.folder / "dagster")) as instance:
        failed = run(own, settings, instance, MAY, MAY)
        events = str(failed.all_events)
        assert SourceUnreachableError.__name__ in events

    left = {path: path.read_bytes() for path in own.folder.rglob("*") if path.is_file()}
    assert any(b"does not answer" in content for content in left.values())
    shown = capfd.readouterr()
    everything = [*left.values(), events.encode(), shown.out.encode(), shown.err.encode()]
    assert not any(PASSWORD.encode() in content for content in everything)
