"""What Dagster keeps is counted by job and status, and dated by asset."""

from dagster import (
    AssetMaterialization,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    job,
    op,
)
from dagster._core.utils import make_new_run_id
from dagster._daemon.types import DaemonHeartbeat

from churn_platform.exporter.readings import Reading
from churn_platform.graph.dagster_readings import read_dagster
from churn_platform.graph.runs import job_origin


def readings(instance: DagsterInstance, metric: str) -> list[tuple[tuple[str, ...], float]]:
    """Labels and values of a metric."""
    found: list[Reading] = read_dagster(instance)
    return [(reading.labels, reading.value) for reading in found if reading.metric == metric]


def test_an_empty_storage_has_an_empty_queue_alone():
    """Before the first run."""
    with DagsterInstance.ephemeral() as instance:
        assert read_dagster(instance) == [Reading("churn_run_queue_length", (), 0)]


def test_runs_are_counted_by_job_and_status():
    """Two that wait are the queue; one that ended has the time of its end."""
    with DagsterInstance.ephemeral() as instance:
        for status in (DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED):
            origin = job_origin("scores")
            run = DagsterRun("scores", make_new_run_id(), status=status, remote_job_origin=origin)
            instance.add_run(run)
        failed = DagsterRun(job_name="training", run_id=make_new_run_id())
        instance.add_run(failed)
        instance.report_run_failed(failed, "killed")
        assert readings(instance, "churn_runs") == [
            (("scores", "NOT_STARTED"), 1),
            (("scores", "QUEUED"), 1),
            (("training", "FAILURE"), 1),
        ]
        assert readings(instance, "churn_run_queue_length") == [((), 2)]
        ((labels, ended),) = readings(instance, "churn_run_last_end_timestamp_seconds")
        assert labels == ("training", "FAILURE")
        assert ended > 1_700_000_000


def test_an_asset_has_the_time_and_the_month_of_its_last_success():
    """A month that was made again later counts, though it is older."""

    @op
    def make(context) -> None:
        for month in ("2025-02-01", "2025-01-01"):
            context.log_event(AssetMaterialization("scores", partition=month))

    @job
    def making() -> None:
        make()

    with DagsterInstance.ephemeral() as instance:
        making.execute_in_process(instance=instance)
        assert readings(instance, "churn_asset_month_timestamp_seconds") == [
            (("scores",), 1_735_689_600.0)
        ]
        ((labels, made),) = readings(instance, "churn_asset_last_success_timestamp_seconds")
        assert labels == ("scores",)
        assert made > 1_735_689_600


def test_a_daemon_has_the_time_of_its_heartbeat():
    """By its kind."""
    with DagsterInstance.ephemeral() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(1_790_000_000.0, "SENSOR", "one"))
        assert readings(instance, "churn_daemon_heartbeat_timestamp_seconds") == [
            (("SENSOR",), 1_790_000_000.0)
        ]
