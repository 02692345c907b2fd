"""Runs by command."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from dagster import (
    AssetExecutionContext,
    DagsterInstance,
    Definitions,
    asset,
    define_asset_job,
)

from churn_platform.errors import ChurnError
from churn_platform.graph.partitions import monthly
from churn_platform.graph.progress import SHOWN
from churn_platform.graph.runs import dagster_instance, job_origin, run_job

ROOT = Path(__file__).parents[2]
JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


def test_the_origin_is_the_location_of_the_workspace():
    """By its names the UI finds a run's job."""
    (source,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    module = source["python_module"]
    origin = job_origin("tiny_scores").repository_origin
    location = origin.code_location_origin
    assert location.location_name == module["location_name"]
    assert location.loadable_target_origin.module_name == module["module_name"]


def test_a_run_by_command_is_one_that_the_ui_can_show_and_execute_again(tmp_path: Path):
    """It has an origin, so the timeline has it; its months are a tag that is shown."""

    @asset(partitions_def=monthly(JANUARY))
    def counted(context: AssetExecutionContext) -> None:
        context.log.info("trial 0; every detail", extra={SHOWN: "trial 0"})

    defs = Definitions(assets=[counted], jobs=[define_asset_job("count", [counted])])
    shown: list[str] = []
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        log = tmp_path / "log"
        run_id = run_job(defs, instance, "count", JANUARY, FEBRUARY, log=log, show=shown.append)
        run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.is_success
    assert run.remote_job_origin == job_origin("count")
    assert run.tags["months"] == "2025-01 to 2025-02"
    assert run.tags[".dagster/repository"] == "__repository__@churn_platform"
    trial, made = shown
    assert trial.endswith(" s  trial 0")
    assert " s  counted" in made


def test_a_home_whose_history_dagster_would_put_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster does not quote its stores' addresses: a `?` ends the path, and nothing says so."""
    home = tmp_path / "really?"
    home.mkdir()
    (home / "dagster.yaml").write_text("{}")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with pytest.raises(ChurnError, match=r"cannot keep its history in .*really\?.*DAGSTER_HOME"):
        dagster_instance(home)
    assert [made.name for made in tmp_path.iterdir()] == ["really?"]
