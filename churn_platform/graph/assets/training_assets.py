"""Training set, candidates and challenger as assets."""

from functools import partial

from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.graph.groups import group_of
from churn_platform.graph.mlflow_links import run_link, version_link
from churn_platform.graph.partitions import describe, lag, monthly_asset, monthly_table, months_of
from churn_platform.graph.progress import SHOWN
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.metrics.metrics_table import metrics_table
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.training import challengers, training_plan
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.fit import Means, fit_and_log
from churn_platform.training.training_data import (
    load_training_data,
    read_training_set,
    stream_training_rows,
)
from churn_platform.training.trials import as_line, in_short
from churn_platform.training.tune import Budget, Trial
from churn_platform.warehouse.tables import write


def training_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets from labelled months to a challenger."""
    portfolio = portfolio.to_train
    candidates = [_candidate(portfolio, algorithm, settings) for algorithm in portfolio.candidates]
    return [_training_set(portfolio, settings), *candidates, _challenger(portfolio, settings)]


def _training_set(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    # Training months, one to validate, one to judge, of which the newest is as old as its label.
    lookback = lag(portfolio.split.training_months + 1 + portfolio.label.outcome_months)
    read = [
        AssetKey([portfolio.name, "customer_features"]),
        AssetKey([portfolio.name, "churn_labels"]),
    ]
    if CONTACTS in [table.name for table in portfolio.landed_tables]:
        read.append(AssetKey([portfolio.raw_schema, CONTACTS]))

    @asset(
        **monthly_table(
            portfolio.name,
            "training_set",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetDep(key, partition_mapping=lookback) for key in read],
        description=(
            "One row per month and feature month in use: its split, its size "
            "and the lake's snapshot."
        ),
    )
    def training_set(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
        rows_max = settings.training_rows_max
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                replace = partial(
                    training_plan.replace_training_set,
                    connection,
                    portfolio,
                    month,
                    rows_max=rows_max,
                )
                rows = write(connection, warehouse.lake, replace)
                page = training_plan.as_markdown(rows)
                describe(context, month, {"months": MetadataValue.md(page)})

        return MaterializeResult()

    return training_set


def _candidate(portfolio: Portfolio, algorithm: str, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(
            portfolio.name,
            algorithm,
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, "training_set"])],
        kinds={ALGORITHMS[algorithm].LIBRARY.replace("-", ""), "mlflow"},
        description=(
            f"A tuned, fitted, calibrated {algorithm.replace('_', ' ')}, kept as an MLflow run."
        ),
    )
    def candidate(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        budget = Budget(settings.tuning_trials, settings.tuning_seconds, settings.tuning_rows_max)
        means = Means(
            threads=settings.model_threads,
            budget=budget,
            cache_dir=settings.root / "tmp",
        )
        for month in months_of(context):
            tags = dict(
                zip(
                    challengers.CANDIDATE_TAGS,
                    (portfolio.name, month.isoformat(), algorithm),
                    strict=True,
                )
            )
            with (
                warehouse.get_connection(read_only=True) as connection,
                tracking.run(context, experiment=portfolio.name, tags=tags) as mlflow,
            ):
                training_set = read_training_set(connection, portfolio, month)
                record = fit_and_log(
                    mlflow,
                    portfolio,
                    algorithm,
                    training_set,
                    load_training_data(connection, portfolio, training_set),
                    every_row=partial(stream_training_rows, connection, portfolio, training_set),
                    means=means,
                    code_version=settings.running_code_version,
                    on_trial=partial(_tell, context, algorithm),
                )

            context.log.info(f"{record.month}: validation AUC {record.validation['auc']:.4f}")
            measured = {"validation": record.validation, "hold-out": record.holdout}
            shown = {
                "metrics": MetadataValue.md(
                    metrics_table(measured, {"hold-out": record.holdout_intervals})
                ),
                "auc_validation": record.validation["auc"],
                "parameters": MetadataValue.json(record.parameters),
                "train_rows": record.train_rows,
                "train_share": record.train_share,
                "mlflow_run_id": record.mlflow_run_id,
                "lake_snapshot": record.snapshot,
                **run_link(tracking.client(), tracking.tracking_uri, record.mlflow_run_id),
            }
            describe(context, month, shown)

        return MaterializeResult()

    return candidate


def _tell(context: AssetExecutionContext, algorithm: str, trial: Trial) -> None:
    """A line on a trial for the log, and a short one for who waits at a terminal."""
    context.log.info(as_line(trial), extra={SHOWN: f"{algorithm} {in_short(trial)}"})


def _challenger(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(
            portfolio.name,
            "challenger",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, algorithm]) for algorithm in portfolio.candidates],
        kinds={"mlflow"},
        description=(
            "The candidate with the highest AUC on the validation rows, "
            "registered as a model version."
        ),
    )
    def challenger(context: AssetExecutionContext, tracking: Tracking) -> MaterializeResult:
        client = tracking.client()
        for month in months_of(context):
            candidates = challengers.newest_candidates(client, portfolio, month.isoformat())
            chosen = challengers.best(candidates)
            version = challengers.register_challenger(client, chosen)
            context.log.info(f"{chosen.month}: {chosen.algorithm} becomes version {version}")
            compared = {record.algorithm: record.validation for record in candidates}
            shown = {
                "candidates": MetadataValue.md(metrics_table(compared)),
                "algorithm": chosen.algorithm,
                "model_version": version,
                "mlflow_run_id": chosen.mlflow_run_id,
                **run_link(client, tracking.tracking_uri, chosen.mlflow_run_id),
                **version_link(tracking.tracking_uri, portfolio.name, version),
            }
            describe(context, month, shown)

        return MaterializeResult()

    return challenger
