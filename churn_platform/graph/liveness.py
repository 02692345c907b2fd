"""Which runs are alive: each holds a lock file while it executes, which the system releases however
its process ends.

Dagster does not notice that a run's process was killed: the run stays in progress, holds its place
in the pools and in the limits of the queue, and every later run waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, Executor, RunsFilter, executor
from dagster import in_process_executor as dagsters
from filelock import FileLock, Timeout

from churn_platform.graph.causes import cause_first

if TYPE_CHECKING:
    from dagster import InitExecutorContext
    from dagster._core.events import DagsterEvent
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode

IN_PROCESS = dagsters.name
IN_PROGRESS = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
GONE = (
    "the process that ran it is gone: it was killed, ran out of memory, "
    "or the machine was restarted"
)


@contextmanager
def alive(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Say meanwhile that a run is executing, in this process."""
    path = _lock_file(instance, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The system drops the lock with the process, also after kill -9 or a lack of memory. A
    # heartbeat would need a clock, and a pid may belong to another process by now.
    with FileLock(path):
        yield
        path.unlink(missing_ok=True)


@executor(name=IN_PROCESS, config_schema=dagsters.config_schema)  # type: ignore[call-overload, untyped-decorator]
def in_process_executor(context: "InitExecutorContext") -> Executor:
    """Dagster's executor of that name, whose runs are `alive` while they execute."""
    assert dagsters.executor_creation_fn is not None
    return Alive(dagsters.executor_creation_fn(context))


class Alive(Executor):
    """An executor whose runs are `alive` while it executes them, and tell a failure's cause."""

    def __init__(self, inner: Executor):
        self._inner = inner

    @property
    def retries(self) -> "RetryMode":
        return self._inner.retries

    def execute(
        self, plan_context: "PlanOrchestrationContext", execution_plan: "ExecutionPlan"
    ) -> "Iterator[DagsterEvent]":
        with alive(plan_context.instance, plan_context.run_id):
            yield from cause_first(self._inner.execute(plan_context, execution_plan))


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Fail the runs in progress whose process is gone, and free what ended runs hold of pools; ids
    of the dead.

    A run without a lock file, because it has not begun or executes on another host, is left alone.
    """
    dead = []
    for run in instance.get_runs(RunsFilter(statuses=IN_PROGRESS)):
        if _is_dead(instance, run):
            dead.append(run)

    for run in dead:
        instance.report_run_failed(run, GONE)
        _lock_file(instance, run.run_id).unlink(missing_ok=True)

    _free_pools(instance)
    return [run.run_id for run in dead]


def is_over(instance: DagsterInstance, run_id: str) -> bool:
    """Whether a run has ended or its process is gone; False for one that this instance does not
    know.
    """
    run = instance.get_run_by_id(run_id)
    return run is not None and (run.is_finished or _is_dead(instance, run))


def _is_dead(instance: DagsterInstance, run: DagsterRun) -> bool:
    path = _lock_file(instance, run.run_id)
    if not path.exists():
        return False

    try:
        with FileLock(path, blocking=False):
            return path.exists()  # one that ended meanwhile has taken its file away
    except Timeout:
        return False


def _free_pools(instance: DagsterInstance) -> None:
    """Take their places in pools from runs that have ended: a killed one did not give them back."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return

    pools = storage.get_concurrency_infos(list(storage.get_concurrency_keys())).values()
    claimed = set()
    for pool in pools:
        for slot in pool.claimed_slots:
            claimed.add(slot.run_id)

    for run_id in claimed | storage.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)


def _lock_file(instance: DagsterInstance, run_id: str) -> Path:
    return Path(instance.storage_directory()) / "alive" / f"{run_id}.lock"
