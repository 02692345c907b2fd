"""Errors of the system and of libraries that a person at the command line can mend."""

from pathlib import Path

from churn_platform.disk import full_disk
from churn_platform.errors import ChurnError
from churn_platform.settings import load_settings
from churn_platform.warehouse.file_errors import CURE, damaged_file

ADVICE = {
    "builtins.OSError": "check that path, its permissions and the space on its disk",
    "duckdb.IOException": CURE,
    "duckdb.OutOfMemoryException": "set CHURN_DUCKDB_MEMORY_LIMIT higher, for example 8GB",
    "mlflow.MlflowException": "check the store that CHURN_MLFLOW_TRACKING_URI names, and its files",
    "sqlalchemy.DBAPIError": "check the store that CHURN_MLFLOW_TRACKING_URI names",
}


def as_ours(error: Exception) -> ChurnError | None:
    """The error in one line with advice; None for one that is a defect of ours, whose traceback is
    wanted.
    """
    # Kinds are compared by name, since importing these libraries takes seconds.
    for kind in type(error).__mro__:
        if kind.__module__.lstrip("_").startswith("duckdb") and (told := _of_a_server(error)):
            return told
        if advice := ADVICE.get(f"{kind.__module__.partition('.')[0].lstrip('_')}.{kind.__name__}"):
            return ChurnError(f"{first_line(error)}; {advice}")
    return None


def _of_a_server(error: Exception) -> ChurnError | None:
    """What a server of the lake said, for an error of DuckDB."""
    from churn_platform.warehouse.server_errors import server_error

    settings = load_settings()
    return server_error(
        error,
        catalog=settings.lake_catalog,
        files=settings.lake_files,
        store=settings.store_options,
    )


def first_line(error: Exception) -> str:
    """The error in one line, with the path that it names."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return next(iter(str(error).splitlines()), type(error).__name__)


def advice(error: Exception) -> str | None:
    """What helps in the place where the error arose; None if that is not known here."""

    def folders() -> list[Path]:
        # Dagster takes seconds to import, which only a full disk costs.
        from churn_platform.graph.failure_advice import written_folders

        return written_folders(load_settings())

    return full_disk(error, folders) or damaged_file(error)
