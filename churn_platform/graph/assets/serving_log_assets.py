"""The service's answers, and what agents recorded on the page, as assets."""

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    asset,
)
from dagster import MaterializeResult as Materialized

from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import table_metadata
from churn_platform.graph.partitions import monthly_table, months_of
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.hashing import set_keys
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.serving_log.log_ingestion import (
    RECORDED,
    check_damaged,
    ingest_segments,
    log_table,
)
from churn_platform.serving_log.outcome_ingestion import ingest_outcomes
from churn_platform.serving_log.retention import forget_answers
from churn_platform.serving_log.shipped_segments import shipped_here
from churn_platform.settings import Settings


def serving_log_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that take over what the service logged, and the page."""
    return [_serving_log(portfolio, settings), _recorded_outcomes(portfolio, settings)]


def _recorded_outcomes(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    folder = settings.outcome_log_dir / portfolio.name

    @asset(
        **monthly_table(
            portfolio.name,
            RECORDED.table,
            group_of(portfolio.name, "serving"),
            settings.first_month,
        ),
        # As for the log of answers: outcomes are recorded in any month, whichever were published.
        deps=[AssetKey([portfolio.name, "published_model"])],
        description="One row per outcome that an agent recorded on the page, by its month. "
        "Each materialization, of any month, ingests every closed segment of the log, once, and "
        "brings it into contacts and preferences.",
    )
    def recorded_outcomes(context: AssetExecutionContext, warehouse: Warehouse) -> Materialized:
        with warehouse.get_connection() as connection:
            set_keys(connection, settings.hash_key())
            ingested = ingest_outcomes(connection, warehouse.lake, portfolio, folder)
            check_damaged(folder, RECORDED)
            shown = table_metadata(connection, f"{portfolio.name}.{RECORDED.table}")

        context.log.info(
            f"{ingested.predictions:,} outcomes of {ingested.segments:,} segments from {folder}"
        )
        return Materialized(
            metadata=shown | {"segments": ingested.segments, "outcomes": ingested.predictions}
        )

    return recorded_outcomes


def _serving_log(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    folder = settings.serving_log_dir / portfolio.name

    @asset(
        **monthly_table(
            portfolio.name,
            "serving_log",
            group_of(portfolio.name, "serving"),
            settings.first_month,
        ),
        # Not on published_features, by which the service answers too: Dagster's dialog would warn
        # of each month that was never published, and answers are logged in any month.
        deps=[AssetKey([portfolio.name, "published_model"])],
        description="One row per answer of the service, by the month of the request. "
        "Each materialization, of any month, "
        "ingests every closed segment of the prediction log, once. "
        "Answers past their time go.",
    )
    def serving_log(context: AssetExecutionContext, warehouse: Warehouse) -> Materialized:
        with warehouse.get_connection() as connection:
            # The list of erased customers holds hashes alone.
            set_keys(connection, settings.hash_key())
            with shipped_here(settings.shared("log"), portfolio.name, folder):
                ingested = ingest_segments(
                    connection,
                    warehouse.lake,
                    portfolio.name,
                    folder,
                    timezone=portfolio.timezone,
                )

            forgotten = 0
            if keep := settings.serving_log_months:
                # Age by the month of the run, not by a clock: repeating an old month forgets
                # nothing more, and a machine with a wrong clock nothing at all.
                oldest = shift(months_of(context)[-1], 1 - keep)
                forgotten = forget_answers(
                    connection,
                    warehouse.lake,
                    portfolio.name,
                    folder,
                    before=oldest,
                )

            # Last, so that readable answers are in the lake before the run fails.
            check_damaged(folder)
            shown = table_metadata(connection, log_table(portfolio.name))

        context.log.info(
            f"{ingested.predictions:,} answers of {ingested.segments:,} segments from {folder}"
        )
        counts = {
            "segments": ingested.segments,
            "predictions": ingested.predictions,
            "torn": ingested.torn,
            "forgotten": forgotten,
        }
        return Materialized(metadata=shown | counts)

    return serving_log
