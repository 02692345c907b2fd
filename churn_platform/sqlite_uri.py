"""Addresses of SQLite files as SQLAlchemy reads them, for the stores of MLflow and Dagster."""

from pathlib import Path

from churn_platform.errors import SettingsError


def sqlite_uri(path: Path) -> str:
    """The address of a file, quoted where its path has `?` or `%`; SettingsError if SQLAlchemy
    cannot open it.
    """
    # A quoted address names the driver as well: MLflow makes the folder of one that begins with
    # `sqlite:///`, and takes the quoting for its name.
    from sqlalchemy import URL

    if is_plain(path):
        return _plain(path)

    quoted = URL.create("sqlite+pysqlite", database=str(path)).render_as_string()
    if sqlite_file(quoted) != path:
        raise SettingsError(
            f"no SQLite store can be opened at {path}; choose a path without `?` and `%`"
        )

    return quoted


def sqlite_file(uri: str) -> Path | None:
    """The file that an address names; None for any other store."""
    from sqlalchemy import make_url

    kind, _, _ = uri.partition(":")
    database = make_url(uri).database if kind.startswith("sqlite") else None
    return Path(database) if database else None


def is_plain(path: Path) -> bool:
    """Whether an address made without quoting, as Dagster makes it, names the path."""
    return sqlite_file(_plain(path)) == path


def _plain(path: Path) -> str:
    return f"sqlite:///{path}"
