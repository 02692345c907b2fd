"""A plugin of dbt-duckdb by which dbt reaches the store of the lake's files.

Credentials are no part of the profile: dbt prints and keeps profiles.
"""

from dataclasses import replace

import duckdb
import msgspec
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.context import get_invocation_context

from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.preparation import prepare

# dbt hides the values of variables that begin so in all that it prints and logs.
SECRET_KEY, SESSION_TOKEN = "DBT_ENV_SECRET_STORE_KEY", "DBT_ENV_SECRET_STORE_TOKEN"
STORE = "DBT_STORE"  # the other options of the store, as JSON
RETRIES = "DBT_CATALOG_RETRIES"


class Plugin(BasePlugin):
    """Prepares dbt's connection as this package prepares its own."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called by dbt for its connection, before the lake is attached to it."""
        env = get_invocation_context().env
        options = msgspec.json.decode(env.get(STORE, "{}"), type=StoreOptions)
        secret_key, session_token = env.get(SECRET_KEY, ""), env.get(SESSION_TOKEN, "")
        prepare(
            conn,
            catalog=env.get("DBT_LAKE", "").removeprefix("ducklake:"),
            files=env.get("DBT_LAKE_FILES", ""),
            store=replace(options, secret_key=secret_key, session_token=session_token),
            catalog_retries=int(env.get(RETRIES, 0)),
        )
