"""Installs DuckDB's extensions from their wheels, so that no run ever downloads one."""

from collections.abc import Sequence
from importlib import import_module, resources
from pathlib import Path

import duckdb

from churn_platform.errors import WarehouseError
from churn_platform.sql import literal
from churn_platform.warehouse.exclusive_lock import one_maker
from churn_platform.warehouse.quiet import connect_quietly

EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "excel", "httpfs", "aws")


def install_extensions(folder: Path, names: Sequence[str] | None = None) -> None:
    """Put extensions of this DuckDB version into `folder`, by default those of the lake; does
    nothing if they are there already.

    DuckDB checks the signature of each and refuses a changed file.
    """
    # Without the lock first: nearly every call finds all extensions and must not wait.
    wanted = EXTENSIONS if names is None else names
    if not _missing(folder, wanted):
        return

    with (
        one_maker(folder, what="the folder of DuckDB's extensions"),
        connect_quietly({"extension_directory": str(folder)}) as connection,
    ):
        # Asked again under the lock: another process may have installed them while this one waited.
        for name in _missing(folder, wanted):
            connection.execute(f"install {literal(_file_in_wheel(name))}")


def _missing(folder: Path, names: Sequence[str]) -> list[str]:
    return [name for name in names if not _installed(name, folder)]


def _installed(name: str, folder: Path) -> bool:
    return any(folder.glob(f"v{duckdb.__version__}/*/{name}.duckdb_extension"))


def _file_in_wheel(name: str) -> Path:
    try:
        package = Path(str(resources.files(import_module(f"duckdb_extension_{name}"))))
        return next(package.glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"))
    except (ImportError, StopIteration):
        wheel = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
        raise WarehouseError(
            f"DuckDB extension {name!r} is not installed; run `pip install {wheel}`"
        ) from None
