"""A sensor that asks again for what an outage ended, so that the platform goes on by itself once a
store, a database or a disk is back.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from dagster import (
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from churn_platform.graph.outages import ATTEMPT_TAG, OUTAGE_TAG, Again, due_again
from churn_platform.graph.run_requests import BECAUSE_TAG, PRIORITY_TAG, switched
from churn_platform.graph.runs import RANGE_TAGS
from churn_platform.settings import Settings

SYSTEM = ("dagster/", ".dagster/")
KEPT = (PRIORITY_TAG, *RANGE_TAGS)  # of Dagster's own


def outage_sensor(settings: Settings, jobs: list[UnresolvedAssetJobDefinition]) -> SensorDefinition:
    """Asks again for runs of all portfolios."""

    @sensor(
        name="after_outages",
        jobs=jobs,
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(True),
        description=(
            "Asks again for runs of automation that ended because a store, the catalog, a disk or "
            "a process was gone: after a minute, then ever later, up to once an hour for two days."
        ),
    )
    def after_outages(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        due = due_again(context.instance, datetime.now(UTC))
        if not due:
            yield SkipReason("no run that an outage ended is due")
        for again in due:
            yield _request(again)

    return after_outages


def _request(again: Again) -> RunRequest:
    run = again.record.dagster_run
    tags = {
        name: value
        for name, value in run.tags.items()
        if name in KEPT or not name.startswith((*SYSTEM, OUTAGE_TAG))
    }
    because = run.tags.get(BECAUSE_TAG, "").partition("; again, because")[0]
    tags[BECAUSE_TAG] = f"{because}; again, because of an outage: {again.outage}"
    tags[ATTEMPT_TAG] = str(again.attempt)
    # The key makes it once for each run that failed, also if the daemon dies in between.
    return RunRequest(run_key=f"{run.run_id} again", job_name=run.job_name, tags=tags)
