"""Landed files that are read from an operator's own databases and files, an asset each table."""

from datetime import UTC, datetime
from functools import partial

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)

from churn_platform.errors import MappingError, SourceError, SourceUnreachableError
from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import MONTH_ROWS
from churn_platform.graph.partitions import describe, monthly_asset, months_of
from churn_platform.ingest.shared_landing import send_landed
from churn_platform.months import label, today_in
from churn_platform.portfolios.places import spec_path
from churn_platform.portfolios.sources import FILE_KINDS
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.settings import Settings
from churn_platform.sources.extract import extract_month
from churn_platform.sources.open_source import Resources
from churn_platform.sources.progress import Progress


def source_key(portfolio: Portfolio, table: Table) -> AssetKey:
    """The asset of a table's landed files."""
    return AssetKey([f"{portfolio.name}_source", table.name])


def source_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """One asset per table that the spec says is read from a source; none for landed ones."""
    return [_source_asset(portfolio, table, settings) for table in portfolio.read_tables]


def _source_asset(portfolio: Portfolio, table: Table, settings: Settings) -> AssetsDefinition:
    assert table.origin is not None
    origin = table.origin
    shared = monthly_asset(
        f"{portfolio.name}_source",
        table.name,
        group_of(portfolio.name, "raw"),
        settings.first_month,
    )
    kind = portfolio.sources[origin.source].kind
    # What Dagster shows beside the asset; files have no system to name.
    kinds = {"parquet"}
    if kind not in FILE_KINDS:
        kinds.add(kind)

    @asset(
        **shared,
        # One reading at a time: an operator's database has other work to do.
        pool=f"source_{portfolio.name}_{origin.source}",
        kinds=kinds,
        description=f"{table.description} Read from {origin.place} of {origin.source}.",
    )
    def landed(context: AssetExecutionContext) -> MaterializeResult:
        folder = settings.landing_dir / portfolio.name / table.name
        folder.mkdir(parents=True, exist_ok=True)
        progress = Progress(folder, portfolio, table)
        read = partial(
            extract_month,
            portfolio,
            table,
            landing_dir=settings.landing_dir,
            resources=Resources.of(settings),
            spec_file=spec_path(settings.portfolios_dir, portfolio.name),
            today=today_in(portfolio.timezone, datetime.now(UTC)),
        )
        refused = []
        for month in months_of(context):
            shown = label(month)
            if progress.is_done(month, datetime.now(UTC)):
                context.log.info(f"{shown}: read before this reading was cut short")
                continue
            try:
                done = read(month)
            except SourceUnreachableError:
                raise  # the other months would wait for nothing
            except SourceError as error:
                refused.append(str(error))
                continue

            if done.file is not None:
                progress.note(month, done.file, datetime.now(UTC))
            context.log.info(f"{shown}: {done.rows:,} rows from {origin.place}")
            if done.set_aside:
                context.log.warning(
                    f"{shown}: {done.set_aside:,} rows of {origin.place} cannot be read, and were "
                    "left out"
                )
            describe(context, month, {MONTH_ROWS: done.rows, "set_aside": done.set_aside})

        # After the loop: the months that could be read need not be read again.
        if refused:
            raise MappingError("\n".join(refused))
        progress.finish()
        send_landed(
            settings.shared("landing"),
            settings.landing_dir,
            portfolio.name,
        )
        metadata = {"source": origin.source, "place": origin.place}
        return MaterializeResult(metadata=metadata)

    return landed
