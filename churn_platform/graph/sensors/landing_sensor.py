"""Sensors that carry a month from its landing to scores and drift.

Each keeps in its cursor what it has acted on. Dagster stores cursor and run requests in one step
before it launches anything, so a daemon that dies in between neither loses nor repeats a run.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    RunStatusSensorContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_status_sensor,
    sensor,
)

from churn_platform.bundles.shared_portfolio import live_now
from churn_platform.graph.landed_tag import taken_by_hand
from churn_platform.graph.partitions import monthly
from churn_platform.graph.run_requests import (
    AUTOMATION_TAG,
    Jobs,
    materialized_months,
    pending_months,
    read_lake,
    refused_months,
    run_request,
    switched,
    told,
)
from churn_platform.graph.runs import months_of_tags
from churn_platform.ingest.landed_months import (
    Landings,
    changed_months,
    due,
    landed_months,
    missing_tables,
)
from churn_platform.ingest.landing_folder import misnamed
from churn_platform.ingest.landing_reasons import Waiting, why_nothing
from churn_platform.ingest.shared_landing import fetch_landed
from churn_platform.monitoring.monitoring_tables import read_broken_months
from churn_platform.months import label, parse_month
from churn_platform.portfolios.spec import Portfolio
from churn_platform.serving_log.shipped_segments import is_waiting
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake


def landing_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Asks for features of months that have landed."""
    features = AssetKey([portfolio.name, "customer_features"])

    @sensor(
        name=f"{portfolio.name}_landing",
        job=jobs[f"{portfolio.name}_features"],
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_landing),
        description=(
            "Takes in a month once all its required files have landed, "
            "and again when one is delivered again."
        ),
    )
    def landing(context: SensorEvaluationContext) -> SensorResult:
        keys = monthly(settings.first_month).get_partition_keys()
        possible = set(map(parse_month, keys))
        fetch_landed(settings.shared("landing"), settings.landing_dir, portfolio.name)
        here = landed_months(settings.landing_dir, portfolio)
        landed = _only(here, possible)
        # First look of a new daemon: what was run by hand before must not be run again.
        if context.cursor is None:
            loaded = _loaded_months(context.instance, portfolio)
            known = Landings(taken=_only(landed, loaded))
        else:
            known = Landings.from_cursor(context.cursor)

        changed = changed_months(landed, known)
        if changed:
            by_hand = _still_so(taken_by_hand(context.instance, portfolio), landed)
            known = Landings(seen=known.seen, taken=known.taken | by_hand)
            changed = changed_months(landed, known)

        refused = _refused_months(context.instance, portfolio) if landed else set()
        unsound = _unsound_months(portfolio, Lake.of(settings)) if landed else set()

        ranges = []
        if changed:
            unfinished = set(landed) - materialized_months(context.instance, features)
            unfinished -= set(pending_months(context.instance, portfolio))
            ranges = due(landed, known, unfinished=unfinished, broken=refused | unsound)

        after = Landings(seen=landed, taken=known.taken | _only(landed, changed))
        # Sensors of our own, not Dagster's automation conditions: a month goes through several jobs
        # with other ranges each (features to the newest month, scores of that one, drift of all).
        # Conditions speak of single assets and windows.
        requests = []
        for first, last in ranges:
            within = [month for month in changed if first <= month <= last]
            # Without a key: one is kept for ever, and files may come back to what they were.
            requests.append(
                run_request(portfolio, "features", first, last, because=_why(within), key=None)
            )

        skipped = None
        if not requests:
            settled = {month for month, state in landed.items() if after.taken.get(month) == state}
            waiting = Waiting(
                settling=set(landed) - settled,
                missing=missing_tables(settings.landing_dir, portfolio),
                early=set(here) - possible,
                refused=refused & settled,
                unsound=unsound & settled,
            )
            interval = settings.automation_interval_seconds
            said = why_nothing(portfolio.name, settled, waiting, interval_seconds=interval)
            unread = misnamed(settings.landing_dir, portfolio)
            skipped = f"{said}; {unread}" if unread else said

        return SensorResult(requests, skip_reason=skipped, cursor=after.as_cursor())

    return landing


def _still_so(states: Mapping[date, str], landed: Mapping[date, str]) -> dict[date, str]:
    """The states of months whose files have not been delivered again since."""
    return {month: state for month, state in states.items() if landed.get(month) == state}


def _only(states: Mapping[date, str], months: Collection[date]) -> dict[date, str]:
    return {month: state for month, state in states.items() if month in months}


def _loaded_months(instance: DagsterInstance, portfolio: Portfolio) -> set[date]:
    """Months of which every required table is in the lake."""
    loaded = []
    for table in portfolio.landed_tables:
        if not table.optional:
            key = AssetKey([portfolio.raw_schema, table.name])
            loaded.append(materialized_months(instance, key))

    return set.intersection(*loaded)


def _why(landed: list[date]) -> str:
    return (
        f"landed: {', '.join(map(label, landed))}"
        if landed
        else "no features yet: tried again with what has landed"
    )


def _refused_months(instance: DagsterInstance, portfolio: Portfolio) -> set[date]:
    """Months that ingest has refused a file of."""
    months = set()
    for table in portfolio.landed_tables:
        key = AssetKey([portfolio.raw_schema, table.name])
        months |= refused_months(instance, key)

    return months


def _unsound_months(portfolio: Portfolio, lake: Lake) -> set[date]:
    """Months whose data contract failed."""
    with read_lake(lake) as connection:
        return read_broken_months(connection, portfolio.name, date.max)


def after_features_sensor(portfolio: Portfolio, settings: Settings, jobs: Jobs) -> SensorDefinition:
    """Asks for what follows features that automation has asked for."""
    features = jobs[f"{portfolio.name}_features"]
    following = []
    for stage in ("scores", "serving", "monitoring", "training"):
        following.append(jobs[f"{portfolio.name}_{stage}"])

    @run_status_sensor(
        run_status=DagsterRunStatus.SUCCESS,
        name=f"{portfolio.name}_after_features",
        monitored_jobs=[features],
        request_jobs=following,
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(settings.automation_landing or settings.automation_schedule),
        description=(
            "After the features of a month that landed: scores and drift, "
            "or the first training of all."
        ),
    )
    def after_features(context: RunStatusSensorContext) -> Iterator[RunRequest | SkipReason]:
        run = context.dagster_run
        if run.tags.get(AUTOMATION_TAG) != portfolio.name:
            yield SkipReason(f"run {run.run_id} was started by hand")
            return
        yield from _following(portfolio, settings, run.run_id, *months_of_tags(run.tags))

    return after_features


def _following(
    portfolio: Portfolio, settings: Settings, run_id: str, first: date, last: date
) -> Iterator[RunRequest]:
    live = live_now(settings, portfolio.name)
    because = f"features of {told(first, last)}"
    # The state decides, not the event that woke this sensor: a champion may have come by a command.
    if live is None or live.champion is None:
        told_why = f"{because}, and there is no champion yet"
        yield run_request(
            portfolio,
            "training",
            last,
            last,
            because=told_why,
            key=f"{run_id} training",
        )
        return

    folder = settings.serving_log_dir / portfolio.name
    if is_waiting(settings.shared("log"), portfolio.name, folder):
        yield run_request(
            portfolio,
            "serving",
            last,
            last,
            because=because,
            key=f"{run_id} serving",
        )

    # An older month that was delivered again must not replace newer look-ups that are live.
    if label(last) >= (live.features_month or ""):
        yield run_request(portfolio, "scores", last, last, because=because, key=f"{run_id} scores")

    yield run_request(
        portfolio,
        "monitoring",
        first,
        last,
        because=because,
        key=f"{run_id} monitoring",
    )
