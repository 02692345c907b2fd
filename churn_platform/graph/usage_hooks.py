"""Hooks on every asset that note what its step used, in whichever process that ran and whether it
succeeded or not.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from dagster import AssetsDefinition, HookContext, HookDefinition, failure_hook, success_hook

from churn_platform.costs.usage import Meter, StepUsage, note
from churn_platform.graph.runs import months_of_tags
from churn_platform.months import last_complete_month

METER = Meter()


def metered(
    assets: Iterable[AssetsDefinition], portfolio: str, path: Path
) -> list[AssetsDefinition]:
    """The assets, each of whose steps notes in `path` what it used."""
    hooks = _hooks(portfolio, path)
    # Hooks are the one place that every executor calls in the process of the step, failed or not.
    return [asset.with_hooks(hooks) for asset in assets]


def _hooks(portfolio: str, path: Path) -> set[HookDefinition]:
    @success_hook(name=f"note_usage_of_{portfolio}")
    def note_success(context: HookContext) -> None:
        _note(context, portfolio, path, succeeded=True)

    @failure_hook(name=f"note_usage_of_failed_{portfolio}")
    def note_failure(context: HookContext) -> None:
        _note(context, portfolio, path, succeeded=False)

    return {note_success, note_failure}


def _note(context: HookContext, portfolio: str, path: Path, *, succeeded: bool) -> None:
    cpu_seconds, wall_seconds, peak_bytes = METER.read()
    now = datetime.now(UTC)
    run = context.instance.get_run_by_id(context.run_id)
    first, last = months_worked_on(run.tags if run else {}, now)
    usage = StepUsage(
        run_id=context.run_id,
        step=context.step_key,
        portfolio=portfolio,
        first_month=first,
        last_month=last,
        recorded_at=now,
        succeeded=succeeded,
        cpu_seconds=cpu_seconds,
        wall_seconds=wall_seconds,
        peak_bytes=peak_bytes,
    )
    # A line in a file, not a row of the lake: a table would get a snapshot for each step.
    note(path, usage)


def months_worked_on(tags: Mapping[str, str], now: datetime) -> tuple[date, date]:
    """The range of months of a run: from its tags, and where it has none, the
    month that has ended.
    """
    try:
        return months_of_tags(tags)
    except ValueError:
        ended = last_complete_month(now.date())
        return ended, ended
