"""A plugin of dbt-duckdb by which dbt ends with the process that started it.

A run that is killed would leave its dbt behind, which goes on writing without the writer lock that
died with the run.
"""

import os
import threading
import time
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.context import get_invocation_context

STARTED_BY = "DBT_STARTED_BY"  # the variable that names the process that starts dbt
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
