"""MLflow, through dagster-mlflow: one run per materialization, opened and closed here whatever happens inside.

dagster-mlflow's resource alone shares a run between processes, marks a run finished when a process exits and leaves
it open for the next one. Giving it a run of our own making, and closing that run ourselves, rules all three out.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dagster import ConfigurableResource

from churn_platform.errors import ChurnError, WarehouseBusyError
from churn_platform.liveness import is_over
from churn_platform.settings import Settings
from churn_platform.training.left_open import DAGSTER_RUN, end_left_open
from churn_platform.warehouse.exclusive import one_maker

if TYPE_CHECKING:
    from dagster_mlflow.resources import MlFlow
    from mlflow import MlflowClient

QUIET = {
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
}

IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class Tracking(ConfigurableResource):
    """Where runs and models are recorded."""

    tracking_uri: str
    artifact_location: str

    @classmethod
    def of(cls, settings: Settings) -> "Tracking":
        """The tracking store that the settings describe."""
        return cls(tracking_uri=settings.mlflow_uri, artifact_location=settings.mlflow_artifacts)

    def client(self) -> "MlflowClient":
        """A client of the tracking store, telemetry off; of several first users of a new store, one makes it."""
        os.environ.update(QUIET)
        import mlflow

        mlflow.set_tracking_uri(self.tracking_uri)
        path = self._sqlite_path()
        if path is None:
            return mlflow.MlflowClient(self.tracking_uri)
        with one_maker(path, what="MLflow's store"):  # its client makes and migrates the tables
            return mlflow.MlflowClient(self.tracking_uri)

    def _sqlite_path(self) -> Path | None:
        """The store's file, for an SQLite store."""
        from sqlalchemy import make_url

        kind, _, _ = self.tracking_uri.partition(":")
        database = make_url(self.tracking_uri).database if kind.startswith("sqlite") else None
        return Path(database) if database else None

    def answering_client(self) -> "MlflowClient":
        """A client for a person who waits, of a store that has just answered; ChurnError where it does not.

        Asked over HTTP it may take 10 seconds and is tried again once, unless the environment says otherwise.
        """
        for name, value in IMPATIENT.items():
            os.environ.setdefault(name, value)
        try:
            client = self.client()
            client.search_registered_models(max_results=1)
        except WarehouseBusyError:
            raise
        except Exception as error:  # MLflow, SQLAlchemy, requests and drivers share no base
            told = next(iter(str(error).splitlines()), type(error).__name__)
            raise ChurnError(
                f"MLflow at {self.tracking_uri} does not answer: {told}; start or restore it, "
                "or set CHURN_MLFLOW_TRACKING_URI"
            ) from error
        return client

    @contextmanager
    def run(self, context: Any, *, experiment: str, tags: Mapping[str, str]) -> Iterator["MlFlow"]:
        """A new MLflow run for this materialization, active inside and ended after: FINISHED, or FAILED on an error.

        `context` is an asset's context; the run carries its Dagster run id, asset key and partition as tags. Runs of
        the experiment that a kill left open are ended first.
        """
        client = self.client()
        experiment_id = self._experiment_id(client, experiment)
        end_left_open(client, experiment_id, partial(is_over, context.instance))
        from dagster_mlflow.resources import MlFlow

        name = f"{context.asset_key.path[-1]} {tags['dagster.partition']}"
        run = client.create_run(
            experiment_id,
            run_name=name,
            tags={
                DAGSTER_RUN: context.run_id,
                "dagster.asset_key": context.asset_key.to_user_string(),
                **tags,
            },
        )
        started = SimpleNamespace(
            log=context.log,
            dagster_run=SimpleNamespace(job_name=name),  # dagster-mlflow names the run after the job
            run_id=context.run_id,
            resource_config={"experiment_name": experiment, "mlflow_run_id": run.info.run_id},
        )
        _end_active("FINISHED")
        status = "FAILED"
        try:
            yield MlFlow(started)
            status = "FINISHED"
        finally:
            _end_active(status)
            client.set_terminated(run.info.run_id, status)  # it never became active where dagster-mlflow failed

    def _experiment_id(self, client: "MlflowClient", name: str) -> str:
        if found := client.get_experiment_by_name(name):
            return found.experiment_id
        return client.create_experiment(name, artifact_location=f"{self.artifact_location}/{name}")


def _end_active(status: str) -> None:
    """End what is active in this process, nested runs included."""
    import mlflow

    while mlflow.active_run():
        mlflow.end_run(status)
