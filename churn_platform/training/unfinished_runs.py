"""Ends in MLflow what a killed process left open: runs, their trials and their models.

MLflow does not notice that a process is gone. Its run stays RUNNING for good, as does a trial that
was being recorded, and a model whose files were being written stays PENDING.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from churn_platform.training.trials import PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DAGSTER_RUN = "dagster.run_id"


def end_left_open(
    client: "MlflowClient", experiment_id: str, is_over: Callable[[str], bool]
) -> list[str]:
    """End as KILLED the open runs of an experiment that no one writes to any more; returns their
    ids.

    `is_over` tells it of a Dagster run's id. What belongs to a run is ended before the run itself,
    so that nothing is missed when this process is killed, too.
    """
    running = client.search_runs([experiment_id], "attributes.status = 'RUNNING'")
    left = [run for run in running if _is_left(client, run, is_over)]
    left.sort(key=_is_trial, reverse=True)

    for run in left:
        _fail_pending_models(client, run)
        client.set_terminated(run.info.run_id, "KILLED")

    return [run.info.run_id for run in left]


def _is_trial(run: "Run") -> bool:
    return PARENT in run.data.tags


def _is_left(client: "MlflowClient", run: "Run", is_over: Callable[[str], bool]) -> bool:
    """Whether the run's own Dagster run is over; a trial is left once its candidate's run is, or
    has ended.
    """
    if _is_trial(run):
        parent = client.get_run(run.data.tags[PARENT])
        return parent.info.status != "RUNNING" or _is_left(client, parent, is_over)
    dagster_run = run.data.tags.get(DAGSTER_RUN)
    # Others may write to this experiment by hand.
    return dagster_run is not None and is_over(dagster_run)


def _fail_pending_models(client: "MlflowClient", run: "Run") -> None:
    # By run, not by status: an SQL store keeps the status as a number and finds nothing by its
    # name.
    made_by_run = f"source_run_id = '{run.info.run_id}'"
    for model in client.search_logged_models([run.info.experiment_id], made_by_run):
        if model.status == "PENDING":
            client.finalize_logged_model(model.model_id, "FAILED")
