"""Errors of the system and of libraries that a person at the command line can mend."""

from churn_platform.errors import ChurnError

ADVICE = {
    "builtins.OSError": "check that path, its permissions and the space on its disk",
    "duckdb.IOException": "the warehouse cannot read or write that file; put it back, for example from a backup",
    "duckdb.OutOfMemoryException": "set CHURN_DUCKDB_MEMORY_LIMIT higher, for example 8GB",
    "mlflow.MlflowException": "check the store that CHURN_MLFLOW_TRACKING_URI names, and its files",
    "sqlalchemy.DBAPIError": "check the store that CHURN_MLFLOW_TRACKING_URI names",
}


def as_ours(error: Exception) -> ChurnError | None:
    """The error in one line with advice; None for one that is a defect of ours, whose traceback is wanted.

    Kinds are compared by name, since importing these libraries takes seconds.
    """
    for kind in type(error).__mro__:
        if advice := ADVICE.get(f"{kind.__module__.partition('.')[0].lstrip('_')}.{kind.__name__}"):
            return ChurnError(f"{_first_line(error)}; {advice}")
    return None


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return next(iter(str(error).splitlines()), type(error).__name__)
