"""Errors of the servers that a lake may be on: the store of its files, and its catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from churn_platform.errors import ChurnError
from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.catalog_errors import catalog_error
from churn_platform.warehouse.store_errors import store_error

if TYPE_CHECKING:
    from churn_platform.warehouse.lake import Lake


def server_error(
    error: BaseException, *, catalog: str, files: str, store: StoreOptions
) -> ChurnError | None:
    """The one error for whatever a server of the lake said; None for an error of another kind."""
    return store_error(error, files, store) or catalog_error(error, catalog)


@contextmanager
def server_errors_told(lake: "Lake") -> Iterator[None]:
    """Within it, what DuckDB meets at a server of the lake is raised as an error of ours."""
    try:
        yield
    except duckdb.Error as error:
        told = server_error(error, catalog=lake.catalog, files=lake.files, store=lake.store)
        if told:
            raise told from error
        raise
