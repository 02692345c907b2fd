"""A sensor that ends runs whose process was killed, so that the next ones need
not wait for them.
"""

from dagster import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from churn_platform.graph.liveness import end_dead_runs
from churn_platform.graph.outages import OUTAGE_TAG
from churn_platform.settings import Settings


def dead_runs_sensor(settings: Settings) -> SensorDefinition:
    """Ends dead runs of all portfolios; it runs always."""

    @sensor(
        name="dead_runs",
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=DefaultSensorStatus.RUNNING,
        description="Fails runs whose process is gone, and frees what they held.",
    )
    def dead_runs(context: SensorEvaluationContext) -> SkipReason:
        ended = end_dead_runs(context.instance)
        for run_id in ended:
            context.instance.add_run_tags(run_id, {OUTAGE_TAG: "process"})

        if not ended:
            return SkipReason("every run in progress is alive")
        return SkipReason(f"ended: {', '.join(ended)}")

    return dead_runs
