"""Raw tables as assets, and the feature and label tables of snapshot portfolios."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

import duckdb
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetObservation,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform import markdown
from churn_platform.errors import LandingError
from churn_platform.graph.assets.source_assets import source_key
from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import MONTH_ROWS, table_metadata
from churn_platform.graph.partitions import describe, monthly_table, months_of
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest import snapshot
from churn_platform.ingest.load import load_month, raw_table
from churn_platform.ingest.shared_landing import fetch_landed
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.settings import Settings
from churn_platform.warehouse.tables import write


def raw_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """One asset per landed table. A month whose file is refused is noted as an observation; the
    others are loaded, and then the step fails.
    """
    return [_raw_asset(portfolio, table, settings) for table in portfolio.landed_tables]


def _raw_asset(portfolio: Portfolio, table: Table, settings: Settings) -> AssetsDefinition:
    shared = monthly_table(
        portfolio.raw_schema,
        table.name,
        group_of(portfolio.name, "raw"),
        settings.first_month,
    )
    upstream = [AssetKey([portfolio.raw_schema, "customers"])] if table.customer else []
    if table.origin is not None:
        upstream.append(source_key(portfolio, table))

    @asset(
        **shared,
        deps=upstream,
        description=table.description,
    )
    def raw(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[AssetObservation | MaterializeResult]:
        lines = []
        refused = []
        fetch_landed(settings.shared("landing"), settings.landing_dir, portfolio.name, table.name)
        load = partial(load_month, landing_dir=settings.landing_dir, hash_key=settings.hash_key())
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                try:
                    loaded = load(connection, warehouse.lake, portfolio, table, month)
                except LandingError as error:
                    refused.append(str(error))
                    # The landing sensor reads this: its cursor knows which run took a month, not
                    # which month of the run was refused. The other months must be tried again with
                    # the next delivery.
                    yield AssetObservation(
                        context.asset_key,
                        description=refused[-1],
                        partition=month.isoformat(),
                    )
                    continue

                context.log.info(f"{label(month)}: {loaded.rows:,} rows from {loaded.file}")
                describe(context, month, {MONTH_ROWS: loaded.rows})
                for finding in loaded.findings:
                    context.log.info(f"{label(month)}: {loaded.file}: {finding}")

                lines.append(
                    [
                        label(month),
                        loaded.file or "none",
                        f"{loaded.rows:,}",
                        f"{loaded.size_bytes:,}",
                    ]
                )

            # After the loop: one refused month must not keep the others from being loaded.
            if refused:
                raise LandingError("\n".join(refused))
            shown = table_metadata(connection, raw_table(portfolio, table))

        head = ["month", "file", "rows", "bytes"]
        files = MetadataValue.md(markdown.table(head, lines, align="llrr"))
        yield MaterializeResult(metadata={**shown, "files": files})

    return raw


def snapshot_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """`customer_features` and `churn_labels` of a snapshot portfolio."""
    raw = AssetKey([portfolio.raw_schema, "customers"])
    group = group_of(portfolio.name, "features")

    @asset(
        **monthly_table(portfolio.name, "customer_features", group, settings.first_month),
        deps=[raw],
        description="One row per customer and month: the features of the catalogue, in its order.",
    )
    def customer_features(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> MaterializeResult:
        return _replace_months(context, warehouse, portfolio, snapshot.replace_features)

    @asset(
        **monthly_table(portfolio.name, "churn_labels", group, settings.first_month),
        deps=[raw],
        description="One row per customer and month whose label was delivered.",
    )
    def churn_labels(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
        return _replace_months(context, warehouse, portfolio, snapshot.replace_labels)

    return [customer_features, churn_labels]


def _replace_months(
    context: AssetExecutionContext,
    warehouse: Warehouse,
    portfolio: Portfolio,
    replace: Callable[[duckdb.DuckDBPyConnection, Portfolio, date], int],
) -> MaterializeResult:
    table = ".".join(context.asset_key.path)
    with warehouse.get_connection() as connection:
        for month in months_of(context):
            work = partial(replace, connection, portfolio, month)
            rows = write(connection, warehouse.lake, work)
            context.log.info(f"{label(month)}: {rows:,} rows")
            describe(context, month, {MONTH_ROWS: rows})

        metadata = table_metadata(connection, table)

    return MaterializeResult(metadata=metadata)
