"""Sensors that tell people: failed runs, drift, and what became of a training."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import msgspec
from dagster import (
    AssetKey,
    DagsterInstance,
    RunFailureSensorContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    run_failure_sensor,
    sensor,
)

from churn_platform.errors import ChurnError
from churn_platform.graph.causes import cause
from churn_platform.graph.failure_advice import advice
from churn_platform.graph.run_requests import (
    months_of_events,
    new_materializations,
    newest_materialization,
    read_lake,
    switched,
    told,
)
from churn_platform.graph.runs import RANGE_TAGS, months_of_tags
from churn_platform.graph.sensors.webhook import (
    decision_message,
    evaluation_message,
    failure_message,
    post,
)
from churn_platform.masking import hide
from churn_platform.monitoring.monitoring_tables import RETRAINING_DECISION
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.tables import read_rows

Message = Callable[[Portfolio, dict[str, Any]], str | None]
NEWS: dict[str, Message] = {RETRAINING_DECISION: decision_message, "evaluation": evaluation_message}


def notifications(portfolios: Iterable[Portfolio], settings: Settings) -> list[SensorDefinition]:
    """The sensors that tell people; they run where a webhook is set."""
    return [_failures(settings), *(_news(portfolio, settings) for portfolio in portfolios)]


def _failures(settings: Settings) -> SensorDefinition:
    @run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(bool(settings.automation_webhook_url.get_secret_value())),
        description="Tells the webhook of each failed run, once, with the cause.",
    )
    def failed_runs(context: RunFailureSensorContext) -> SkipReason | None:
        run = context.dagster_run
        months = told(*months_of_tags(run.tags)) if set(RANGE_TAGS) <= set(run.tags) else ""
        cause = _cause(context.instance, run.run_id)
        helps = advice(ChurnError(cause), settings)
        shown = f"{cause}; {helps}" if helps else cause
        return _send(settings, [failure_message(run.job_name, run.run_id, months, shown)])

    return failed_runs


def _cause(instance: DagsterInstance, run_id: str) -> str:
    return cause(entry.dagster_event for entry in instance.all_logs(run_id) if entry.dagster_event)


def _news(portfolio: Portfolio, settings: Settings) -> SensorDefinition:
    keys = {name: AssetKey([portfolio.name, name]) for name in NEWS}

    @sensor(
        name=f"{portfolio.name}_news",
        minimum_interval_seconds=settings.automation_interval_seconds,
        default_status=switched(bool(settings.automation_webhook_url.get_secret_value())),
        description=(
            "Tells the webhook of a notable month, of each training asked for, "
            "and of what came of it."
        ),
    )
    def news(context: SensorEvaluationContext) -> SensorResult:
        instance = context.instance
        if context.cursor is None:
            # A daemon that is new must not send years of old news.
            now = {name: newest_materialization(instance, key) for name, key in keys.items()}
            return SensorResult(skip_reason="from now on", cursor=msgspec.json.encode(now).decode())

        seen = msgspec.json.decode(context.cursor, type=dict[str, int])
        months = {}
        for name, key in keys.items():
            events = new_materializations(instance, key, seen.get(name, 0))
            if events:
                months[name] = months_of_events(events)
                seen[name] = events[-1].storage_id

        skipped: SkipReason | None = SkipReason("no news")
        if months:
            messages = _messages(portfolio, settings, months)
            skipped = _send(settings, messages)

        return SensorResult(skip_reason=skipped, cursor=msgspec.json.encode(seen).decode())

    return news


def _messages(portfolio: Portfolio, settings: Settings, months: dict[str, set[date]]) -> list[str]:
    """What there is to say about the newest month of each kind of news."""
    messages = []
    with read_lake(Lake.of(settings)) as connection:
        for name, found in months.items():
            # Only the newest month of each kind: a backfill would send a message for each month.
            for row in read_rows(connection, f"{portfolio.name}.{name}", max(found)):
                message = NEWS[name](portfolio, row)
                if message:
                    messages.append(message)

    return messages


def _send(settings: Settings, messages: Iterable[str]) -> SkipReason | None:
    """Send each message without secrets; what cannot be sent is said in the sensor's log and not
    tried again.
    """
    url = settings.automation_webhook_url.get_secret_value()
    if not url:
        return SkipReason("CHURN_AUTOMATION_WEBHOOK_URL is not set")

    failed = []
    for message in messages:
        masked = hide(message, settings.secrets())
        wrong = post(url, masked, timeout_seconds=settings.automation_webhook_timeout_seconds)
        if wrong:
            failed.append(wrong)

    return SkipReason("; ".join(failed)) if failed else None
