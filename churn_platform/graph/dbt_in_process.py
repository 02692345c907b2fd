"""dbt in this process, and its events as they come.

dagster-dbt starts a process for each call. That imports dbt again, which this process has done to
define the assets, for some 5 s of CPU; and it outlives a run that is killed.
"""

import ctypes
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Self

from dbt_common.events.base_types import EventMsg

QUIET = "debug"  # the level of what dbt says to its log file alone
# Its own output would come twice.
GLOBAL = ("--log-level", "none", "--log-level-file", QUIET)
NODE_ERROR = "GenericExceptionOnRun"
Event = dict[str, Any]


@dataclass(frozen=True)
class DbtOutcome:
    """How an invocation ended: whether all went well, the result of each node as dbt's
    `run_results.json` has it, and the error if dbt itself failed.
    """

    succeeded: bool
    results: list[dict[str, Any]]
    error: BaseException | None


class DbtInvocation:
    """One dbt command in a thread of its own. Used as a context: dbt has ended when it ends, also
    where the block fails or is interrupted.
    """

    def __init__(self, arguments: Sequence[str]):
        self._arguments = [*GLOBAL, *arguments]
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._errors: dict[str, str] = {}
        self._outcome: DbtOutcome | None = None
        self._thread = Thread(target=self._run, name="dbt", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._interrupt()
        # It writes to the lake; the block's end may release the writer lock.
        self._thread.join()

    def events(self) -> Iterator[Event]:
        """What dbt tells, as its JSON log has it, without what is for debugging."""
        while (event := self._events.get()) is not None:
            yield event

    @property
    def outcome(self) -> DbtOutcome:
        """How it ended; known once the events are read."""
        self._thread.join()
        assert self._outcome is not None
        return self._outcome

    def _run(self) -> None:
        # Here, because it costs seconds that only those should pay who run dbt.
        from dbt.cli.main import dbtRunner

        try:
            runner = dbtRunner(callbacks=[self._note])
            ended = runner.invoke(self._arguments)
            results = getattr(ended.result, "results", None) or []
            told = [_as_told(result, self._errors) for result in results]
            succeeded = bool(ended.success)
            self._outcome = DbtOutcome(succeeded, told, ended.exception)
        finally:
            # First, since whoever reads the end of the events may open the lake at once.
            close_connections()
            self._events.put(None)

    def _note(self, message: EventMsg) -> None:
        if message.info.level == QUIET:
            return

        event = _scrubbed(message)
        if event["info"]["name"] == NODE_ERROR:
            data = event["data"]
            self._errors[data["unique_id"]] = data["exc"]

        self._events.put(event)

    def _interrupt(self) -> None:
        """Do to dbt what Ctrl-C does: it ends after the statement that it is at."""
        identity = ctypes.c_ulong(self._thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(identity, ctypes.py_object(KeyboardInterrupt))


def _scrubbed(message: EventMsg) -> Event:
    """The event as dbt's JSON log has it: without the values of secret variables."""
    from dbt_common.events.functions import msg_to_json
    from dbt_common.exceptions import env_secrets, scrub_secrets

    event: Event = json.loads(scrub_secrets(msg_to_json(message), env_secrets()))
    return event


def _as_told(result: Any, errors: dict[str, str]) -> dict[str, Any]:
    unique_id = result.node.unique_id
    return {
        "unique_id": unique_id,
        "status": str(result.status),
        "failures": result.failures,
        # Of a model that is built month by month the result says no more than "ERROR".
        "message": errors.get(unique_id, result.message),
        "compiled_code": getattr(result.node, "compiled_code", None),
    }


def close_connections() -> None:
    """Let go of the lake. dbt-duckdb keeps a database in memory open for the next invocation of
    the process, and with it the catalog.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    kept = DuckDBConnectionManager._ENV
    if kept is not None:
        kept.close()
    DuckDBConnectionManager.close_all_connections()
