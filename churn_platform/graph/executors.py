"""Where the steps of a run execute: in the run's process, in processes beside it, on a Ray cluster,
or as pods of Kubernetes.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from dagster import (
    DagsterEvent,
    Executor,
    ExecutorDefinition,
    InitExecutorContext,
    multiprocess_executor,
)
from dagster._core.execution.plan.objects import StepFailureData, StepRetryData

from churn_platform.errors import SettingsError
from churn_platform.graph.liveness import IN_PROCESS, Alive, in_process_executor
from churn_platform.settings import Settings, shareable_variables

if TYPE_CHECKING:
    from dagster._core.execution.context.system import IStepContext
    from dagster._core.execution.plan.state import KnownExecutionState
    from dagster_shared.error import SerializableErrorInfo

# Seconds of imports that most steps share: done once, and each step is a copy of that process.
PRELOADED = ["churn_platform.definitions", "mlflow", "xgboost"]


def executor_of(settings: Settings) -> ExecutorDefinition:
    """The executor that CHURN_EXECUTOR names; SettingsError if its package is not installed."""
    if settings.executor == IN_PROCESS:
        return in_process_executor

    made = {"multiprocess": _multiprocess, "ray": _ray, "k8s": _k8s}
    dagsters, config = made[settings.executor](settings)
    return _retrying(dagsters, config, settings.step_retries)


def _multiprocess(settings: Settings) -> tuple[ExecutorDefinition, dict[str, Any]]:
    start = {"start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    return multiprocess_executor, start | _limit(settings)


def _ray(settings: Settings) -> tuple[ExecutorDefinition, dict[str, Any]]:
    try:
        from dagster_ray.core.executor import ray_executor
    except ImportError as error:
        raise _not_installed("ray", "ray") from error
    # The cluster's address is Ray's own variable, RAY_ADDRESS. Secrets are not passed on: Ray shows
    # the variables of a job to whoever opens its dashboard.
    return ray_executor, {"ray": {"env_vars": shareable_variables()}}


def _k8s(settings: Settings) -> tuple[ExecutorDefinition, dict[str, Any]]:
    try:
        from dagster_k8s import k8s_job_executor
    except ImportError as error:
        raise _not_installed("k8s", "cluster") from error
    # All else, such as image, variables and volumes, a step's pod takes over from the run's.
    return k8s_job_executor, _limit(settings)


def _limit(settings: Settings) -> dict[str, Any]:
    """Most steps at once; left out where none is set, since Kubernetes' executor refuses a None."""
    return {"max_concurrent": settings.executor_steps} if settings.executor_steps else {}


def _not_installed(executor: str, extra: str) -> SettingsError:
    return SettingsError(
        f"CHURN_EXECUTOR is {executor}, and a package that it needs is not installed: "
        f"`pip install 'churn-platform[platform,{extra}]'`, or unset CHURN_EXECUTOR"
    )


def _retrying(
    dagsters: ExecutorDefinition, config: dict[str, Any], retries: int
) -> ExecutorDefinition:
    """Dagster's executor with a configuration, which runs a step again whose process was lost."""

    def create(context: InitExecutorContext) -> Executor:
        assert dagsters.executor_creation_fn is not None
        inner = dagsters.executor_creation_fn(context)
        # Called for a step whose process is gone, and not for one that failed: an error of ours
        # would come again, and a retry policy of Dagster makes no difference between the two.
        inner.log_failure_or_retry_event_after_error = partial(_after_loss, retries)  # type: ignore[method-assign]
        return Alive(inner)

    made = ExecutorDefinition(
        name=dagsters.name,
        config_schema=dagsters.config_schema,  # type: ignore[arg-type]
        requirements=dagsters._requirements_fn,
        executor_creation_fn=create,
    )
    return made.configured(config, name=dagsters.name)


def _after_loss(
    retries: int,
    step_context: "IStepContext",
    err_info: "SerializableErrorInfo",
    known_state: "KnownExecutionState",
) -> DagsterEvent:
    """The event that runs the lost step again, or that fails it once it was lost too often."""
    lost_before = known_state.get_retry_state().get_attempt_count(step_context.step.key)
    if lost_before < retries:
        return DagsterEvent.step_retry_event(step_context, StepRetryData(error=err_info))
    return DagsterEvent.step_failure_event(
        step_context=step_context,
        step_failure_data=StepFailureData(error=err_info, user_failure_data=None),
    )
