"""MLflow, through dagster-mlflow: one run per materialization, opened and closed here, also
after an error inside.

dagster-mlflow's resource alone shares a run between processes, marks a run finished when a process
exits and leaves it open for the next one. Giving it a run of our own making, and closing that run
ourselves, rules all three out.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from dagster import ConfigurableResource, EnvVar

from churn_platform.errors import ChurnError, RelocationError, WarehouseBusyError
from churn_platform.graph.liveness import is_over
from churn_platform.housekeeping.relocation import require_in_place
from churn_platform.masking import hide, masked, secrets_in
from churn_platform.settings import Settings
from churn_platform.sqlite_uri import sqlite_file
from churn_platform.training.unfinished_runs import DAGSTER_RUN, end_left_open
from churn_platform.warehouse.exclusive_lock import one_maker

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

URI_VARIABLE = "CHURN_MLFLOW_TRACKING_URI"
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class Tracking(ConfigurableResource):
    """Where runs and models are recorded."""

    tracking_uri: str
    artifact_location: str

    @classmethod
    def of(cls, settings: Settings) -> "Tracking":
        """The tracking store that the settings describe."""
        return cls(tracking_uri=settings.mlflow_uri, artifact_location=settings.mlflow_artifacts)

    @classmethod
    def for_graph(cls, settings: Settings) -> "Tracking":
        """The same as a resource of the graph, which the UI shows: by its variable's name where it
        was set by one.
        """
        uri = settings.mlflow_uri
        shown = EnvVar(URI_VARIABLE) if os.environ.get(URI_VARIABLE) == uri else uri
        return cls(tracking_uri=shown, artifact_location=settings.mlflow_artifacts)

    def client(self) -> "MlflowClient":
        """A client of the tracking store, telemetry off; of several first users of a new store, one
        makes it.
        """
        # Before the import: MLflow reads these variables once, when it is loaded.
        os.environ.update(QUIET)
        import mlflow

        uri = _without_login(self.tracking_uri)
        path = sqlite_file(uri)
        try:
            mlflow.set_tracking_uri(uri)
            if path is None:
                return mlflow.MlflowClient(uri)
            with one_maker(path, what="MLflow's store"):  # its client makes and migrates the tables
                client = mlflow.MlflowClient(uri)

            if (
                path.absolute().parent.as_uri() == self.artifact_location.rpartition("/")[0]
            ):  # both of one data folder
                require_in_place(uri, self.artifact_location)

            return client
        except mlflow.MlflowException as error:
            told = hide(str(error), secrets_in(uri))
            raise ChurnError(
                f"MLflow at {masked(uri)} is not usable: {told}; set {URI_VARIABLE}"
            ) from None

    def answering_client(self, *, make: bool = False) -> "MlflowClient":
        """A client for a person who waits, of a store that has just answered; ChurnError if it
        does not.

        Asked over HTTP it may take 10 seconds and is tried again once, unless the environment says
        otherwise. A store in a file is not made for a command that only shows; with `make` it is,
        for one that records.
        """
        shown = masked(self.tracking_uri)
        file = sqlite_file(self.tracking_uri)
        if file is not None and not file.exists() and not make:
            raise ChurnError(
                f"no MLflow store at {file}; change to the project's folder, or "
                "set CHURN_DATA_DIR to its data folder "
                "(a run of the graph makes a new one)"
            )

        for name, value in IMPATIENT.items():
            # MLflow's own patience is minutes, which suits a run and not a person at a terminal.
            os.environ.setdefault(name, value)

        try:
            client = self.client()
            client.search_registered_models(max_results=1)
        except (WarehouseBusyError, RelocationError):
            raise
        except Exception as error:  # MLflow, SQLAlchemy, requests and drivers share no base
            line = next(iter(str(error).splitlines()), type(error).__name__)
            told = hide(line, secrets_in(self.tracking_uri))
            raise ChurnError(
                f"MLflow at {shown} does not answer: {told}; start or restore it, or "
                f"set {URI_VARIABLE}"
            ) from error

        return client

    @contextmanager
    def run(self, context: Any, *, experiment: str, tags: Mapping[str, str]) -> Iterator["MlFlow"]:
        """A new MLflow run for this materialization, active inside and ended after: FINISHED, or
        FAILED on an error.

        `context` is an asset's context; the run carries its Dagster run id, asset key and partition
        as tags. Runs of the experiment that a kill left open are ended first.
        """
        client = self.client()
        experiment_id = self._experiment_id(client, experiment)
        # A run whose process was killed stays RUNNING in MLflow for ever.
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
            dagster_run=SimpleNamespace(
                job_name=name
            ),  # dagster-mlflow names the run after the job
            run_id=context.run_id,
            resource_config={"experiment_name": experiment, "mlflow_run_id": run.info.run_id},
        )
        # Another asset of this process may have left a run active; logging would go into that one.
        _end_active("FINISHED")

        status = "FAILED"
        try:
            yield MlFlow(started)
            status = "FINISHED"
        finally:
            _end_active(status)
            client.set_terminated(
                run.info.run_id, status
            )  # it never became active where dagster-mlflow failed

    def _experiment_id(self, client: "MlflowClient", name: str) -> str:
        if found := client.get_experiment_by_name(name):
            return found.experiment_id
        return client.create_experiment(name, artifact_location=f"{self.artifact_location}/{name}")


def _without_login(uri: str) -> str:
    """A server's address without user and password, which go to MLflow's own variables.

    MLflow quotes the address whole in its errors, and prints it after each run.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.username is None:
        return uri

    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    _, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=host).geturl()


def _end_active(status: str) -> None:
    """End what is active in this process, nested runs included."""
    import mlflow

    while mlflow.active_run():
        mlflow.end_run(status)
