"""Notes what every step used, in whichever process that ran and whether it succeeded or not."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from dagster import AssetExecutionContext, AssetsDefinition

from churn_platform.costs.usage import Meter, StepUsage, note
from churn_platform.graph.around_steps import with_around
from churn_platform.graph.runs import months_of_tags
from churn_platform.months import last_complete_month

METER = Meter()


def metered(
    assets: Iterable[AssetsDefinition], portfolio: str, path: Path
) -> list[AssetsDefinition]:
    """The assets, each of whose steps notes in `path` what it used."""

    @contextmanager
    def noted(context: AssetExecutionContext) -> Iterator[None]:
        succeeded = False
        try:
            yield
            succeeded = True
        finally:
            _note(context, portfolio, path, succeeded=succeeded)

    return with_around(assets, noted)


def _note(context: AssetExecutionContext, portfolio: str, path: Path, *, succeeded: bool) -> None:
    cpu_seconds, wall_seconds, peak_bytes = METER.read()
    now = datetime.now(UTC)
    run = context.instance.get_run_by_id(context.run_id)
    first, last = months_worked_on(run.tags if run else {}, now)
    usage = StepUsage(
        run_id=context.run_id,
        step=context.get_step_execution_context().step.key,
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
