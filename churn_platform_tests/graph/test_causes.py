"""A failed run says why, before Dagster's frames."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import (
    AssetCheckResult,
    AssetsDefinition,
    DagsterInstance,
    Definitions,
    JobDefinition,
    asset,
    asset_check,
    define_asset_job,
    execute_job,
    reconstructable,
)

from churn_platform.errors import ChurnError, DataError
from churn_platform.graph.causes import cause
from churn_platform.graph.liveness import in_process_executor
from churn_platform.graph.runs import run_job
from churn_platform_tests.support.tiny import JANUARY


def all_of(*assets: AssetsDefinition, checks: tuple = ()) -> Definitions:
    """Definitions with a job of everything, run by the platform's executor."""
    return Definitions(
        assets,
        asset_checks=checks,
        jobs=[define_asset_job("all")],
        executor=in_process_executor,
    )


def without_rows() -> Definitions:
    """A step with an error of ours."""

    @asset
    def step() -> None:
        raise DataError("there are no rows; land a file")

    return all_of(step)


def without_space() -> Definitions:
    """A step with an error of a library, caused by one that says more."""

    @asset
    def step() -> None:
        try:
            raise OSError("no space left")
        except OSError as error:
            raise RuntimeError("could not write") from error

    return all_of(step)


def unsound() -> Definitions:
    """An asset that a blocking check refuses."""

    @asset
    def made() -> None:
        """An asset."""

    @asset_check(asset=made, blocking=True)
    def is_sound() -> AssetCheckResult:
        return AssetCheckResult(passed=False, description="half the rows are missing")

    return all_of(made, checks=(is_sound,))


def job_without_rows() -> JobDefinition:
    """As a daemon loads it."""
    return without_rows().resolve_job_def("all")


def job_without_space() -> JobDefinition:
    """As a daemon loads it."""
    return without_space().resolve_job_def("all")


def unsound_job() -> JobDefinition:
    """As a daemon loads it."""
    return unsound().resolve_job_def("all")


@pytest.mark.parametrize(
    ("job", "words"),
    [
        (job_without_rows, "step: there are no rows; land a file"),
        (job_without_space, "step: no space left"),
        (unsound_job, "made: half the rows are missing"),
    ],
)
def test_the_last_event_begins_with_the_cause(job: Callable[[], JobDefinition], words: str):
    """Then the whole story, Dagster's frames among it. What is read from the events later is the
    same.
    """
    with DagsterInstance.ephemeral() as instance:
        done = execute_job(reconstructable(job), instance, raise_on_error=False)
        assert not done.success
        events = [entry.dagster_event for entry in instance.all_logs(done.run_id)]
    last = [event for event in events if event][-1]
    error = last.job_failure_data.error
    assert error is not None
    assert (error.message.strip(), error.stack) == (words, [])
    assert error.cause is not None
    assert cause(event for event in events if event) == words


def test_a_run_of_a_command_ends_with_the_cause(tmp_path: Path):
    """It executes in process, without the platform's executor."""
    with DagsterInstance.ephemeral() as instance:
        with pytest.raises(ChurnError, match="all failed in step: there are no rows"):
            run_job(
                without_rows(),
                instance,
                "all",
                JANUARY,
                JANUARY,
                log=tmp_path / "log",
                show=lambda line: None,
            )
        (run,) = instance.get_runs()
        last = instance.all_logs(run.run_id)[-1]
    assert last.dagster_event is not None
    assert last.dagster_event.message == "all failed in step: there are no rows; land a file"
