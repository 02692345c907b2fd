"""A trial of tuning as a child of its candidate's MLflow run, and as a line of the log."""

from churn_platform.published.plain_numbers import number
from churn_platform.training.tune import Trial

PARENT = "mlflow.parentRunId"


def record_trial(trial: Trial, *, parent_run_id: str, experiment_id: str) -> None:
    """Record the trial as a finished run below its parent: parameters, log loss, state."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    # A run of its own below the candidate's: MLflow then compares trials in its own views.
    client = MlflowClient()
    begun_ms = int(trial.begun_at.timestamp() * 1000)
    ended_ms = int(trial.ended_at.timestamp() * 1000)
    tags = {
        PARENT: parent_run_id,
        "churn.trial": str(trial.number),
        "churn.trial_state": "pruned" if trial.is_pruned else "complete",
    }
    run = client.create_run(
        experiment_id,
        start_time=begun_ms,
        tags=tags,
        run_name=f"trial {trial.number}",
    )
    client.log_batch(
        run.info.run_id,
        metrics=[Metric("log_loss", trial.log_loss, ended_ms, 0)],
        params=[Param(name, str(value)) for name, value in trial.parameters.items()],
    )
    client.set_terminated(run.info.run_id, end_time=ended_ms)


def as_line(trial: Trial) -> str:
    """The trial in a line, its parameters included."""
    parameters = ", ".join(f"{name} {number(value)}" for name, value in trial.parameters.items())
    return f"{in_short(trial)}; {parameters}"


def in_short(trial: Trial) -> str:
    """What the trial reached, and how long it took."""
    seconds = (trial.ended_at - trial.begun_at).total_seconds()
    loss = f"log loss {trial.log_loss:.5f}"
    if trial.is_pruned:
        loss += ", pruned"
    return f"trial {trial.number}: {loss}, {seconds:.1f} s"
