"""Tells what a Postgres catalog says of itself from every other error of DuckDB, by its text:
DuckDB has one class for all that it meets, and dbt and Dagster keep of an error its text alone.
"""

from collections.abc import Iterable

from churn_platform.errors import CatalogUnreachableError, WarehouseError

AWAY = (
    "unable to connect to postgres",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
)
# Words of a server that is there and lets nobody in for a while.
FOR_A_WHILE = ("starting up", "shutting down", "recovery", "too many", "terminating connection")


def catalog_error(error: BaseException, catalog: str) -> WarehouseError | None:
    """The one error for whatever a Postgres catalog said; None for an error of another kind."""
    words = str(error).lower()
    # Told already, on its way through another function that asks.
    if isinstance(error, CatalogUnreachableError):
        return None
    if not catalog.startswith("postgres:") or not _says(words, AWAY):
        return None

    line = _reason(str(error))
    if "fatal:" in words and not _says(words, FOR_A_WHILE):
        return WarehouseError(
            f"the catalog {catalog} refused a connection: {line}; check the database, user and "
            "password in CHURN_CATALOG"
        )

    return CatalogUnreachableError(
        f"the catalog {catalog} does not answer: {line}; check CHURN_CATALOG and whether the "
        "database is up, and run again"
    )


def _reason(text: str) -> str:
    """The line that says why, without the query that met it."""
    for line in text.splitlines():
        if _says(line.lower(), AWAY):
            # The address stands before the reason, and the message has it already.
            return line.strip().rpartition('": ')[2]

    return ""


def _says(text: str, signs: Iterable[str]) -> bool:
    return any(sign in text for sign in signs)
