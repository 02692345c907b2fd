"""What a Postgres catalog says of itself is told once, by name, and with what to do."""

import duckdb
import pytest

from churn_platform.cli.failures import as_ours
from churn_platform.errors import CatalogUnreachableError, WarehouseError
from churn_platform.warehouse.catalog_errors import catalog_error

CATALOG = "postgres:dbname=lake host=db user=churn"
DOWN = (
    "IO Error: Failed to query most recent snapshot for DuckLake: Unable to connect to Postgres at "
    '"dbname=lake host=db user=churn": connection to server at "db", port 5432 failed: {reason}\n'
    "\tIs the server running on that host and accepting TCP/IP connections?\n\n"
    "LINE 2: \tSELECT * FROM postgres_query("
)


def told(text: str) -> WarehouseError | None:
    """The error for a text of DuckDB's."""
    return catalog_error(duckdb.IOException(text), CATALOG)


@pytest.mark.parametrize(
    "text",
    [
        DOWN.format(reason="Connection refused"),
        DOWN.format(reason="FATAL:  the database system is starting up"),
        DOWN.format(reason="FATAL:  sorry, too many clients already"),
        "TransactionContext Error: Failed to commit: server closed the connection unexpectedly",
        "FATAL:  terminating connection due to administrator command",
    ],
)
def test_a_catalog_that_is_away_is_named_with_its_settings(text):
    """In one line, without the query that met it."""
    error = told(text)
    assert isinstance(error, CatalogUnreachableError)
    assert str(error).startswith(f"the catalog {CATALOG} does not answer: ")
    assert "SELECT" not in str(error)
    assert "\n" not in str(error)
    assert str(error).endswith("check CHURN_CATALOG and whether the database is up, and run again")


def test_a_refusal_is_no_outage():
    """Nothing comes back by itself where the password is wrong."""
    error = told(DOWN.format(reason='FATAL:  password authentication failed for user "churn"'))
    assert type(error) is WarehouseError
    assert 'FATAL:  password authentication failed for user "churn"; check the database' in str(
        error
    )


@pytest.mark.parametrize("catalog", [CATALOG, "sqlite:/data/catalog.sqlite"])
def test_other_errors_are_left_alone(catalog):
    """So is anything that an SQLite catalog says."""
    assert catalog_error(duckdb.BinderException("no column x"), catalog) is None
    away = duckdb.IOException(DOWN.format(reason="Connection refused"))
    assert (catalog_error(away, catalog) is None) == catalog.startswith("sqlite")


def test_a_command_says_so_too(monkeypatch):
    """Without the advice on damaged files that other errors of this class get."""
    monkeypatch.setenv("CHURN_CATALOG", CATALOG)
    error = as_ours(duckdb.IOException(DOWN.format(reason="Connection refused")))
    assert "does not answer" in str(error)
    assert "check-lake" not in str(error)
