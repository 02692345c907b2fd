"""Evaluation and champion as assets: the decision, and carrying it out."""

from functools import partial
from typing import TYPE_CHECKING

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, MetadataValue, asset

from churn_platform.audit.resource import AuditTrail, head_metadata
from churn_platform.errors import TrainingError
from churn_platform.evaluation.judge import Contender, judge, replace_evaluation
from churn_platform.evaluation.text import metrics_table
from churn_platform.months import label
from churn_platform.partitions import WAREHOUSE_POOL, monthly_asset, months_of
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.onnx import parity_failure
from churn_platform.settings import Settings
from churn_platform.training.data import load_training_data, read_training_set
from churn_platform.training.record import record_of_version
from churn_platform.training.registry import CHAMPION, challenger_of, load_model, version_of
from churn_platform.training.succession import decide, judgement_of
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.resource import Warehouse
from churn_platform.warehouse.tables import read_rows, write

if TYPE_CHECKING:
    from mlflow import MlflowClient


def evaluation_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that decide on a challenger and promote it."""
    return [_evaluation(portfolio, settings), _champion(portfolio, settings)]


def _evaluation(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(portfolio.name, "evaluation", f"{portfolio.name}_training", settings.first_month),
        deps=[AssetKey([portfolio.name, "challenger"]), AssetKey([portfolio.name, "fairness_report"])],
        pool=WAREHOUSE_POOL,
        kinds={"duckdb", "table"},
        description="One row per month: challenger against champion on the same hold-out, and the decision in words.",
    )
    def evaluation(context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking) -> MaterializeResult:
        client = tracking.client()
        serving = version_of(client, portfolio.name, CHAMPION)
        champion = _contender(client, portfolio, serving) if serving else None
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                training_set = read_training_set(connection, portfolio, month)
                customers = load_training_data(connection, portfolio, training_set).holdout
            challenger = _contender(client, portfolio, challenger_of(client, portfolio.name, label(month)))
            judged = judge(
                portfolio,
                month,
                challenger,
                champion,
                customers,
                replicates=settings.bootstrap_replicates,
                unpublishable=parity_failure(
                    challenger.model, challenger.model.own(customers.features, portfolio.feature_names)
                ),
            )
            with warehouse.get_connection() as connection:
                record = partial(replace_evaluation, connection, portfolio, judged)
                write(connection, warehouse.lake, record, note=f"{portfolio.name}: {judged.decision.reason}")
            context.log.info(f"{label(month)}: {judged.decision.reason}")
            champion = challenger if judged.decision.promoted else champion
        compared = {f"challenger {judged.challenger_version}": judged.challenger.as_dict()}
        if judged.champion:
            compared[f"champion {judged.champion_version}"] = judged.champion.as_dict()
        return MaterializeResult(
            metadata={"decision": judged.decision.reason, "metrics": MetadataValue.md(metrics_table(compared))}
        )

    return evaluation


def _contender(client: "MlflowClient", portfolio: Portfolio, version: int) -> Contender:
    record = record_of_version(client, portfolio.name, version)
    return Contender(version, load_model(client, portfolio.name, version), record.threshold)


def _champion(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(portfolio.name, "champion", f"{portfolio.name}_training", settings.first_month),
        deps=[AssetKey([portfolio.name, "evaluation"])],
        kinds={"mlflow"},
        description="The version that serves: the challenger where it was promoted, else the champion there was.",
    )
    def champion(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        client, log = tracking.client(), audit.log(context.run_id)
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                rows = read_rows(connection, f"{portfolio.name}.evaluation", month)
            if not rows:
                raise TrainingError(
                    f"no evaluation of {portfolio.name} for {label(month)}; materialize {portfolio.name}/evaluation"
                )
            done = decide(client, log, portfolio.name, judgement_of(rows[0]))
            context.log.info(f"{label(month)}: {done}")
        version = version_of(client, portfolio.name, CHAMPION)
        return MaterializeResult(
            metadata={"decision": done, "champion_version": version if version else "none"} | head_metadata(log)
        )

    return champion
