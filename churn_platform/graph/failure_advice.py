"""Says what a person can do about a failed step, in the log of its run and in messages: who reads
those has no command line that would say it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import AssetExecutionContext, AssetsDefinition

from churn_platform.disk import full_disk
from churn_platform.errors import ChurnError, StoreError
from churn_platform.graph.around_steps import with_around
from churn_platform.graph.outages import OUTAGE_TAG, outage_of
from churn_platform.graph.runs import dagster_folders
from churn_platform.settings import Settings
from churn_platform.sqlite_uri import sqlite_file
from churn_platform.storage.location import is_url
from churn_platform.warehouse.file_errors import damaged_file
from churn_platform.warehouse.server_errors import server_error


def advice(error: BaseException, settings: Settings) -> str | None:
    """Which disk is full, what the lake's store said, or how a file of the lake is made again; None
    for any other error.
    """
    if told := full_disk(error, lambda: written_folders(settings)):
        return told
    if at_server := error_of_server(error, settings):
        return str(at_server)
    return None if isinstance(error, StoreError) else damaged_file(error)


def error_of_server(error: BaseException, settings: Settings) -> ChurnError | None:
    """What a server of the lake said, as an error of ours; None for any other error."""
    return server_error(
        error,
        catalog=settings.lake_catalog,
        files=settings.lake_files,
        store=settings.store_options,
    )


def advised(assets: Iterable[AssetsDefinition], settings: Settings) -> list[AssetsDefinition]:
    """The assets, each of whose steps logs the advice beside its error if it fails; the run's tags
    say if an outage was the cause, for `sensors/outage_sensor.py`.
    """

    @contextmanager
    def advising(context: AssetExecutionContext) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if told := advice(error, settings):
                context.log.error(told)
            at_server = error_of_server(error, settings)
            if outage := outage_of(error, at_server, lambda: written_folders(settings)):
                context.instance.add_run_tags(context.run_id, {OUTAGE_TAG: outage})
            raise

    return with_around(assets, advising)


def written_folders(settings: Settings) -> list[Path]:
    """Every local folder that the platform may write to, Dagster's and MLflow's stores included."""
    folders = [
        settings.root,
        settings.root / "tmp",
        settings.root / "mlflow_artifacts",
        settings.serving_log_dir,
    ]
    if not is_url(settings.lake_files):
        folders.append(Path(settings.lake_files))

    if tracking_store := sqlite_file(settings.mlflow_uri):
        folders.append(tracking_store.parent)

    return [*folders, *dagster_folders()]
