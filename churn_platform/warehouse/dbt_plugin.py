"""A plugin of dbt-duckdb by which dbt ends with the process that started it, and reaches the store
of the lake's files.

A run that is killed would leave its dbt behind, which goes on writing without the writer lock that
died with the run. Credentials are no part of the profile: dbt prints and keeps profiles.
"""

import os
import threading
import time
from dataclasses import replace
from typing import Any

import duckdb
import msgspec
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.context import get_invocation_context

from churn_platform.storage.options import StoreOptions
from churn_platform.warehouse.preparation import prepare

STARTED_BY = "DBT_STARTED_BY"  # the variable that names the process that starts dbt
# dbt hides the values of variables that begin so in all that it prints and logs.
SECRET_KEY, SESSION_TOKEN = "DBT_ENV_SECRET_STORE_KEY", "DBT_ENV_SECRET_STORE_TOKEN"
STORE = "DBT_STORE"  # the other options of the store, as JSON
RETRIES = "DBT_CATALOG_RETRIES"
KILLED = 137  # the exit code of a process that was killed, as a shell tells it


class Plugin(BasePlugin):
    """Watches the process that started dbt; none is watched in dbt by hand, which names none, or in
    process.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Called by dbt once, before its first connection is used."""
        # Not from the profile: dbt parses the whole project anew, for some 6 s, where a value of
        # the profile differs, and a process has another number each time.
        starter = int(get_invocation_context().env.get(STARTED_BY, 0))
        # In process dbt and its starter are one: there is no other to watch.
        if starter not in (0, os.getpid()):
            threading.Thread(
                target=end_with,
                args=(starter,),
                name="end-with-starter",
                daemon=True,
            ).start()

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


def end_with(parent: int, poll_seconds: float = 0.5) -> None:
    """End this process at once, as a kill does, when `parent` is not its parent any more; returns
    never.
    """
    # Polling works on every system. A dbt whose run was killed once wrote on for 39 s without
    # the writer lock; with this it ends within 2 s.
    while os.getppid() == parent:
        time.sleep(poll_seconds)
    # No clean-up on purpose: rolling back or flushing would write without the lock.
    os._exit(KILLED)
