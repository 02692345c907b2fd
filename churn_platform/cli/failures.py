"""Errors of the system and of libraries that a person at the command line can mend."""

from pathlib import Path

from churn_platform.errors import ChurnError
from churn_platform.settings import load_settings
from churn_platform.sqlite_uri import sqlite_file

ADVICE = {
    "builtins.OSError": "check that path, its permissions and the space on its disk",
    "duckdb.IOException": (
        "`churn check-lake` names damaged files of the lake and the command that heals each"
    ),
    "duckdb.OutOfMemoryException": "set CHURN_DUCKDB_MEMORY_LIMIT higher, for example 8GB",
    "mlflow.MlflowException": "check the store that CHURN_MLFLOW_TRACKING_URI names, and its files",
    "sqlalchemy.DBAPIError": "check the store that CHURN_MLFLOW_TRACKING_URI names",
}


def as_ours(error: Exception) -> ChurnError | None:
    """The error in one line with advice; None for one that is a defect of ours, whose traceback is
    wanted.

    Kinds are compared by name, since importing these libraries takes seconds.
    """
    for kind in type(error).__mro__:
        if advice := ADVICE.get(f"{kind.__module__.partition('.')[0].lstrip('_')}.{kind.__name__}"):
            return ChurnError(f"{first_line(error)}; {advice}")
    return None


def first_line(error: Exception) -> str:
    """The error in one line, with the path that it names."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return next(iter(str(error).splitlines()), type(error).__name__)


def written_folders() -> list[Path]:
    """Every local folder that a command may write to, Dagster's store and MLflow's among them."""
    from churn_platform.graph.runs import (
        dagster_folders,
    )  # Dagster takes seconds, which only an error costs

    settings = load_settings()
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
