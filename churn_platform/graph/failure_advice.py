"""Says what a person can do about a failed step, in the log of its run and in messages: who reads
those has no command line that would say it.
"""

from collections.abc import Iterable
from pathlib import Path

from dagster import AssetsDefinition, HookContext, failure_hook

from churn_platform.disk import full_disk
from churn_platform.graph.runs import dagster_folders
from churn_platform.settings import Settings
from churn_platform.sqlite_uri import sqlite_file
from churn_platform.warehouse.file_errors import damaged_file


def advice(error: BaseException, settings: Settings) -> str | None:
    """Which disk is full, or how a file of the lake is made again; None for any other error."""
    return full_disk(error, lambda: written_folders(settings)) or damaged_file(error)


def advised(assets: Iterable[AssetsDefinition], settings: Settings) -> list[AssetsDefinition]:
    """The assets, each of whose steps logs the advice beside its error if it fails."""

    @failure_hook(name="advise_on_failure")
    def advise_on_failure(context: HookContext) -> None:
        error = context.op_exception
        if error is not None and (told := advice(error, settings)):
            context.log.error(told)

    return [asset.with_hooks({advise_on_failure}) for asset in assets]


def written_folders(settings: Settings) -> list[Path]:
    """Every local folder that the platform may write to, Dagster's and MLflow's stores included."""
    folders = [
        settings.root,
        settings.root / "tmp",
        settings.root / "mlflow_artifacts",
        settings.serving_log_dir,
    ]
    if "://" not in settings.lake_files:
        folders.append(Path(settings.lake_files))
    if tracking_store := sqlite_file(settings.mlflow_uri):
        folders.append(tracking_store.parent)
    return [*folders, *dagster_folders()]
