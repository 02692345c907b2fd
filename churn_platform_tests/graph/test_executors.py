"""Where steps execute, by a setting."""

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from dagster import (
    DagsterInstance,
    Executor,
    Field,
    InitExecutorContext,
    IntSource,
    JobDefinition,
    asset,
    execute_job,
    executor,
    job,
    multiprocess_executor,
    op,
    reconstructable,
)
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements

from churn_platform.errors import DataError, SettingsError
from churn_platform.graph.asset_labels import labelled
from churn_platform.graph.executors import _retrying, executor_of
from churn_platform.graph.groups import group_of
from churn_platform.graph.pod_sizes import pod_size
from churn_platform.graph.step_sizes import RAY_TAG, sized
from churn_platform.settings import load_settings, shareable_variables

FORKED = {"start_method": {"forkserver": {"preload_modules": ["churn_platform.graph.executors"]}}}


@op
def lost_once() -> None:
    """Its process is killed the first time."""
    tried = Path(DagsterInstance.get().root_directory) / "tried"
    if not tried.exists():
        tried.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@op
def refused() -> None:
    """Fails by itself, and counts how often."""
    with (Path(DagsterInstance.get().root_directory) / "refused").open("a") as file:
        file.write("again\n")
    raise DataError("there are no rows; land a file")


def lossy() -> JobDefinition:
    """A job of both, in processes of their own."""

    @job(executor_def=_retrying(multiprocess_executor, FORKED, 2))
    def both() -> None:
        lost_once()
        refused()

    return both


def test_a_lost_process_is_started_again_and_a_step_that_failed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second try of what was refused would be refused again."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with (
        DagsterInstance.get() as instance,
        execute_job(reconstructable(lossy), instance=instance) as done,
    ):
        assert done.get_failed_step_keys() == {"refused"}
        assert [event.step_key for event in done.all_events if event.is_step_success] == [
            "lost_once"
        ]
    assert (tmp_path / "refused").read_text() == "again\n"


def test_a_step_elsewhere_asks_for_as_many_cpus_as_it_has_threads(tmp_path: Path) -> None:
    """A step that asked Ray for none would run on the head of the cluster; in one process, where
    the default is, it says nothing.
    """

    @asset(group_name=group_of("tiny", "training"))
    def fitted() -> None: ...

    settings = load_settings(data_dir=tmp_path, duckdb_threads=3)
    assert executor_of(settings).name == settings.executor == "in_process"
    (here,) = sized(labelled([fitted]), settings)
    assert here.op.tags == {}

    (elsewhere,) = sized(labelled([fitted]), settings.model_copy(update={"executor": "ray"}))
    assert json.loads(elsewhere.op.tags[RAY_TAG]) == {"num_cpus": 3}
    assert elsewhere.op.tags.items() >= pod_size("training").items()
    assert elsewhere.keys == fitted.keys


@pytest.mark.parametrize(
    ("executor", "package", "extra"),
    [("ray", "dagster_ray.core.executor", "ray"), ("k8s", "dagster_k8s", "cluster")],
)
def test_an_executor_that_is_not_installed_is_refused_with_the_extra_that_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, executor: str, package: str, extra: str
) -> None:
    """The message names the setting and the next command."""
    monkeypatch.setitem(sys.modules, package, None)
    settings = load_settings(data_dir=tmp_path, executor=executor)
    with pytest.raises(SettingsError, match=rf"CHURN_EXECUTOR is {executor}.*platform,{extra}"):
        executor_of(settings)


@executor(
    name="k8s",
    config_schema={"max_concurrent": Field(IntSource, is_required=False)},
    requirements=multiple_process_executor_requirements(),
)
def stand_in(context: InitExecutorContext) -> Executor:
    """Takes what Kubernetes' executor takes: a number, or nothing, and no None."""
    raise NotImplementedError


@pytest.mark.parametrize("kind", ["multiprocess", "k8s"])
@pytest.mark.parametrize("limit", [None, 3])
def test_an_executor_takes_its_configuration_with_and_without_a_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, limit: int | None
) -> None:
    """A run begins by checking it."""
    monkeypatch.setitem(sys.modules, "dagster_k8s", SimpleNamespace(k8s_job_executor=stand_in))
    settings = load_settings(data_dir=tmp_path, executor=kind, executor_steps=limit)
    checked = executor_of(settings).apply_config_mapping({"config": {}})
    assert checked.success, checked.errors
    assert checked.value["config"].get("max_concurrent") == limit


def test_secrets_are_not_passed_on_to_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray shows the variables of a job to whoever opens its dashboard."""
    monkeypatch.setenv("CHURN_DUCKDB_THREADS", "3")
    monkeypatch.setenv("CHURN_STORE_SECRET_KEY", "s3cret")
    monkeypatch.setenv("CHURN_CATALOG", "postgres:host=db password=s3cret")
    assert "CHURN_DUCKDB_THREADS=3" in shareable_variables()
    assert "s3cret" not in " ".join(shareable_variables())
