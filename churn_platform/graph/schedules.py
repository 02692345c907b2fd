"""The monthly schedules: a month on the 1st, housekeeping on the 2nd."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dagster import (
    AssetKey,
    DagsterInstance,
    DefaultScheduleStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SkipReason,
    schedule,
)

from churn_platform.graph.jobs import HOUSEKEEPING
from churn_platform.graph.run_requests import (
    AUTOMATION_TAG,
    Jobs,
    materialized_months,
    pending_months,
    run_request,
)
from churn_platform.graph.runs import RANGE_TAGS
from churn_platform.ingest.landed_months import is_complete, last_written
from churn_platform.ingest.shared_landing import fetch_landed
from churn_platform.months import label, last_complete_month, today_in
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings

MONTHLY_CRON = "0 2 1 * *"
SETTLED_MINUTES = 5


def schedules(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> list[ScheduleDefinition]:
    """The schedules of a portfolio; `jobs` are its jobs by name."""
    return [_monthly(portfolio, settings, jobs), _monthly_training(portfolio, settings, jobs)]


def clock_of(portfolio: Portfolio) -> str:
    """The zone whose months end later, that of the operator or UTC."""
    # Dagster counts months by UTC, so one of Tokyo that has ended is not there yet. One of New York
    # is, and goes on for hours.
    zone = ZoneInfo(portfolio.timezone)
    offsets = [datetime(2025, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)]
    is_west = any(offset is not None and offset < timedelta(0) for offset in offsets)
    return portfolio.timezone if is_west else "UTC"


def _status(on: bool) -> DefaultScheduleStatus:
    return DefaultScheduleStatus.RUNNING if on else DefaultScheduleStatus.STOPPED


def _monthly(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> ScheduleDefinition:
    clock = clock_of(portfolio)

    @schedule(
        name=f"{portfolio.name}_monthly",
        job=jobs[f"{portfolio.name}_features"],
        cron_schedule=MONTHLY_CRON,
        execution_timezone=clock,
        default_status=_status(settings.automation_schedule),
        description=(
            "Takes in the month that has ended, where the landing sensor has not; scores "
            "and drift follow."
        ),
    )
    def monthly(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        month = last_complete_month(today_in(clock, context.scheduled_execution_time))
        if reason := _reason_to_skip(
            context.instance,
            portfolio,
            settings,
            month,
            now=datetime.now(UTC),
        ):
            return SkipReason(reason)

        return run_request(
            portfolio,
            "features",
            month,
            month,
            because="the month has ended",
            key=label(month),
        )

    return monthly


def _reason_to_skip(
    instance: DagsterInstance,
    portfolio: Portfolio,
    settings: Settings,
    month: date,
    *,
    now: datetime,
) -> str | None:
    """Why a month is not taken in at `now`, the time of the look: that of the schedule may be long
    past.
    """
    if month in materialized_months(instance, AssetKey([portfolio.name, "customer_features"])):
        return f"{label(month)} is there already"

    fetch_landed(settings.shared("landing"), settings.landing_dir, portfolio.name)
    if not is_complete(settings.landing_dir, portfolio, month):
        return f"{label(month)} has not landed in {settings.landing_dir / portfolio.name}"
    if run_id := pending_months(instance, portfolio).get(month):
        return f"run {run_id}, queued or running, makes features of {label(month)}"

    # The schedule has one look only, where the sensor has two: a fresh file may still be growing.
    # Files dated ahead are of a clock that was wrong; they are no fresher for it.
    age = abs(now - last_written(settings.landing_dir, portfolio, month))
    if age < timedelta(minutes=SETTLED_MINUTES):
        by_hand = f"churn run {portfolio.name} --from {label(month)} --to {label(month)}"
        return (
            f"files of {label(month)} were written to less than {SETTLED_MINUTES} minutes ago "
            "and may not be whole; "
            f"the landing sensor takes them in later, or `{by_hand}`"
        )

    return None


def _monthly_training(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> ScheduleDefinition:
    features = AssetKey([portfolio.name, "customer_features"])
    clock = clock_of(portfolio)

    @schedule(
        name=f"{portfolio.name}_monthly_training",
        job=jobs[f"{portfolio.name}_training"],
        cron_schedule="0 4 1 * *",
        execution_timezone=clock,
        default_status=_status(settings.automation_monthly_training),
        description=(
            "Trains every month, regardless of the decision. Off by default: "
            "docs/drift.md has what that costs."
        ),
    )
    def monthly_training(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        month = last_complete_month(today_in(clock, context.scheduled_execution_time))
        if month not in materialized_months(context.instance, features):
            return SkipReason(f"{label(month)} has no features")

        return run_request(
            portfolio,
            "training",
            month,
            month,
            because="monthly training",
            key=f"training {label(month)}",
        )

    return monthly_training


def housekeeping_schedule(settings: Settings, jobs: Jobs) -> ScheduleDefinition:
    """The schedule that clears up after the month that has ended; a day later
    than what makes it.
    """

    @schedule(
        name=HOUSEKEEPING,
        job=jobs[HOUSEKEEPING],
        cron_schedule="0 3 2 * *",
        execution_timezone="UTC",
        default_status=_status(settings.housekeeping_schedule),
        description=(
            "Removes what only the past needs, and adds up what the month that has ended has cost."
        ),
    )
    def housekeeping(context: ScheduleEvaluationContext) -> RunRequest:
        month = last_complete_month(context.scheduled_execution_time.date())
        months = dict.fromkeys(RANGE_TAGS, month.isoformat())
        return RunRequest(
            run_key=f"{HOUSEKEEPING} {label(month)}", tags=months | {AUTOMATION_TAG: HOUSEKEEPING}
        )

    return housekeeping
