"""MLflow runs of candidates that were never registered: after a while they go, with their trials
and models.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from churn_platform.errors import ChurnError
from churn_platform.masking import hide, secrets_in
from churn_platform.training.model_registry import versions
from churn_platform.training.trials import PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

AT_A_TIME = 500


def remove_runs(client: "MlflowClient", portfolio: str, *, before: datetime) -> int:
    """Remove runs that began before a time and are no version's, nor trials of one's; returns how
    many.

    What registered versions rest on stays for ever, withdrawn and refused ones included: the audit
    trail names them. Behind a tracking server runs are marked as deleted only, and its own `mlflow
    gc` removes them.
    """
    kept = {version.run_id for version in versions(client, portfolio)}
    going = []
    for run in _older_runs(client, portfolio, before):
        # A trial belongs to the run that tried it.
        owner = run.data.tags.get(PARENT, run.info.run_id)
        if owner not in kept:
            going.append(run)

    for run in going:
        for model in _models_of(run):
            _mark_model(client, model)

        # A kill between marking and collecting leaves marked runs; they are collected all the same.
        if run.info.lifecycle_stage == "active":
            client.delete_run(run.info.run_id)

    # A server has its own store; only a local one can be collected from here.
    store = client.tracking_uri
    if going and "://" in store and not store.startswith("http"):
        _collect(store, going)

    return len(going)


def _older_runs(client: "MlflowClient", portfolio: str, before: datetime) -> "Iterator[Run]":
    """Runs of a portfolio from before a time, those too that a kill left marked as deleted."""
    from mlflow.entities import ViewType

    experiment = client.get_experiment_by_name(portfolio)

    token: str | None = None
    while experiment:
        page = client.search_runs(
            [experiment.experiment_id],
            f"attributes.start_time < {before.timestamp() * 1000:.0f}",
            run_view_type=ViewType.ALL,
            max_results=AT_A_TIME,
            page_token=token,
        )
        yield from page
        token = page.token
        if not token:
            return


def _models_of(run: "Run") -> list[str]:
    if not run.outputs:
        return []
    return [output.model_id for output in run.outputs.model_outputs]


def _mark_model(client: "MlflowClient", model_id: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.delete_logged_model(model_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _collect(uri: str, runs: "Sequence[Run]") -> None:
    """Remove marked runs and their models from the store, by MLflow's own command.

    It is told of the store by a variable: everybody on the machine may read a command line.
    """
    import mlflow

    mlflow.set_tracking_uri(uri)  # sets the variable MLFLOW_TRACKING_URI, for commands as well
    for first in range(0, len(runs), AT_A_TIME):
        chosen = runs[first : first + AT_A_TIME]
        command = [sys.executable, "-m", "mlflow", "gc", *_gc_options(chosen)]
        # A process of its own: MLflow offers gc as a command alone.
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            problem = hide(done.stderr, secrets_in(uri)).strip()[-500:]
            raise ChurnError(
                f"`mlflow gc` failed; the runs stay marked as deleted until it succeeds: {problem}"
            )


def _gc_options(runs: "Sequence[Run]") -> list[str]:
    numbers = []
    models = []
    for run in runs:
        numbers.append(run.info.run_id)
        models += _models_of(run)

    options = [f"--run-ids={','.join(numbers)}"]
    if models:
        options.append(f"--logged-model-ids={','.join(models)}")

    return options
