"""Passwords of the catalog and of the tracking store, and the key of the lake's store, are in no
message, page, event or log.
"""

import io
import os
import subprocess
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    Definitions,
    asset,
    build_run_status_sensor_context,
    define_asset_job,
)
from pydantic import SecretStr

from churn_platform.errors import ChurnError
from churn_platform.graph.automation import automate
from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import dbt_project_dir
from churn_platform.graph.resources.tracking import URI_VARIABLE, Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.sensors import notification_sensors
from churn_platform.housekeeping import tracked_runs
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.graph.conftest import Daemon
from churn_platform_tests.support.tiny import FEBRUARY, TINY

CATALOG = "postgres:dbname=lake user=churn host=127.0.0.1 port=1 password='hidden cat'"
TRACKING = "http://churn:hidden%2Ftracking@127.0.0.1:1"
STORE = {
    "CHURN_LAKE_DATA_PATH": "s3://bucket/lake",
    "CHURN_STORE_ENDPOINT": "127.0.0.1:1",
    "CHURN_STORE_KEY_ID": "id",
    "CHURN_STORE_SECRET_KEY": "hidden key",
    "CHURN_STORE_SESSION_TOKEN": "hidden token",
}
SECRETS = ("hidden", "/hook/")  # each password holds the first, the webhook's address the second
LOUD = (
    f"cannot open {CATALOG}: 'hidden cat' was refused; {TRACKING}: hidden/tracking was refused; "
    "https://chat.example/hook/7"
)


@pytest.fixture
def settings(tmp_path: Path, extensions: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings full of secrets, in the environment as in production; no server answers there."""
    for name in ("PGPASSWORD", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")  # what is set below ends with the test
    monkeypatch.setenv("CHURN_CATALOG", CATALOG)
    monkeypatch.setenv(URI_VARIABLE, TRACKING)
    monkeypatch.setenv("CHURN_AUTOMATION_WEBHOOK_URL", "https://chat.example/hook/7")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name, value in STORE.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(data_dir=tmp_path / "data", warehouse_wait_seconds=0.1)
    settings.root.mkdir()
    settings.extension_dir.symlink_to(extensions)  # copying them takes seconds
    return settings


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the webhook."""
    texts: list[str] = []
    monkeypatch.setattr(notification_sensors, "post", lambda _, text, **__: texts.append(text))
    return texts


def shown_in(text: str) -> list[str]:
    """The secrets that a text shows."""
    return [secret for secret in SECRETS if secret in text]


def test_the_webhook_is_told_no_secret_of_a_failed_run(settings, sent):
    """The cause of a failure may quote an address in any form."""

    @asset
    def failing() -> None:
        raise ChurnError(LOUD)

    definitions = Definitions([failing], jobs=[define_asset_job("make", [failing])])
    with DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("make").execute_in_process(
            instance=instance, raise_on_error=False
        )
        context = build_run_status_sensor_context(
            "failed_runs",
            dagster_event=done.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=done.dagster_run,
        )
        sensors = {sensor.name: sensor for sensor in automate([TINY], settings).sensors}
        sensors["failed_runs"](context.for_run_failure())
    (told,) = sent
    assert told.startswith("*make* failed: failing: cannot open")
    assert shown_in(told) == []


def test_the_webhook_is_told_no_secret_of_a_month(daemon: Daemon, sent):
    """Whatever a reason quotes."""
    secrets = {"catalog": SecretStr(CATALOG), "mlflow_tracking_uri": SecretStr(TRACKING)}
    messages = [notification_sensors.NEWS["evaluation"](TINY, _evaluated(LOUD))]
    settings = daemon.settings.model_copy(
        update=secrets | {"automation_webhook_url": SecretStr("https://chat.example/hook/7")}
    )
    notification_sensors._send(settings, messages)
    assert sent
    assert shown_in(sent[0]) == []


def _evaluated(reason: str) -> dict[str, object]:
    return {"month": FEBRUARY, "challenger_version": 2, "is_promoted": False, "reason": reason}


def test_what_the_ui_shows_holds_no_secret(settings, tmp_path):
    """Neither configuration nor events of runs that fail at the catalog and at the tracking store;
    Dagster keeps both, and what steps print, in its folder.
    """

    @asset
    def at_the_catalog(warehouse: Warehouse) -> None:
        with warehouse.get_connection():
            pass

    @asset
    def at_the_tracking_store(tracking: Tracking) -> None:
        print(tracking.client())
        tracking.client().search_experiments()

    both = [at_the_catalog, at_the_tracking_store]
    definitions = Definitions(
        both,
        jobs=[define_asset_job("make", both)],
        resources={
            "warehouse": Warehouse.of(Lake.of(settings)),
            "tracking": Tracking.for_graph(settings),
        },
    )
    home = tmp_path / "dagster"
    home.mkdir()
    with DagsterInstance.local_temp(str(home)) as instance, redirect_stdout(io.StringIO()) as out:
        job = definitions.resolve_job_def("make")
        done = job.execute_in_process(instance=instance, raise_on_error=False)
        failed = {event.step_key for event in done.all_events if event.is_step_failure}
    assert failed == {"at_the_catalog", "at_the_tracking_store"}
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert any("127.0.0.1" in path.read_text(errors="replace") for path in kept)  # the failures
    assert [path.name for path in kept if shown_in(path.read_text(errors="replace"))] == []
    assert shown_in(out.getvalue()) == []
    resources = [resource.get_resource_definition() for resource in definitions.resources.values()]
    assert shown_in(" ".join(str(one.config_schema.default_value) for one in resources)) == []


def test_dbts_logs_hold_no_secret(settings, tmp_path):
    """Not even at the level `debug`, of a dbt that cannot reach the catalog."""
    from dbt.cli.main import dbtRunner

    lake = Lake.of(settings)
    plain = [
        value
        for name, value in dbt_environment(lake).items()
        # dbt masks what is in variables that begin so.
        if not name.startswith("DBT_ENV_SECRET")
    ]
    assert shown_in("".join(plain)) == []
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as out:
        for name, value in dbt_environment(lake).items():
            patch.setenv(name, value)
        folders = [f"--project-dir={dbt_project_dir()}", f"--profiles-dir={dbt_project_dir()}"]
        logs = [f"--log-path={tmp_path}", "--log-level=debug"]
        done = dbtRunner().invoke(["debug", *folders, *logs])
    assert not done.success
    log = (tmp_path / "dbt.log").read_text()
    assert "127.0.0.1" in log
    assert shown_in(log + out.getvalue() + str(done.exception)) == []


def test_mlflows_command_is_given_no_secret(monkeypatch):
    """Everybody on the machine may read a command line; what the command says is masked."""
    uri = "postgresql://churn:hidden@127.0.0.1:1/mlflow"
    commands: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        assert os.environ["MLFLOW_TRACKING_URI"] == uri
        return subprocess.CompletedProcess(command, 1, "", f"cannot reach {uri}")

    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setattr(tracked_runs.subprocess, "run", run)
    try:
        with pytest.raises(ChurnError, match=r"churn:\*\*\*@127") as raised:
            tracked_runs._collect(uri, [_NoModels()])  # type: ignore[list-item]
    finally:
        mlflow.set_tracking_uri(before)
    assert shown_in(f"{commands} {raised.value}") == []


class _NoModels:
    """A run as far as its removal reads it."""

    class info:
        run_id = "1"

    outputs = None
