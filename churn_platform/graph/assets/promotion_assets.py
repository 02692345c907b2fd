"""Evaluation and champion as assets: the decision, carrying it out, and who has been champion."""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.audit.record_tables import champions_as_markdown
from churn_platform.audit.trail import champions
from churn_platform.graph.groups import group_of
from churn_platform.graph.mlflow_links import version_link
from churn_platform.graph.partitions import describe, monthly_asset, monthly_table, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail, head_metadata
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.markdown import picture as picture_markdown
from churn_platform.metrics.fairness import FairnessGap, largest_gap
from churn_platform.metrics.metric_pictures import Scored, pictures
from churn_platform.metrics.metrics_table import metrics_table
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion import evaluation_table
from churn_platform.promotion.champion import (
    decide,
    judgement_of,
    obstacle_to_promotion,
    withdrawal,
)
from churn_platform.promotion.evaluate import Contender, Evaluation, Fairness, judge
from churn_platform.promotion.rules import opponent_of
from churn_platform.settings import Settings
from churn_platform.training.customer_groups import groups_on_holdout
from churn_platform.training.known_customers import known_customers
from churn_platform.training.model_registry import CHAMPION, PREVIOUS, challenger_of, version_of
from churn_platform.training.training_data import Labelled
from churn_platform.training.versions import Version, load_version
from churn_platform.warehouse.tables import write

if TYPE_CHECKING:
    from mlflow import MlflowClient


def evaluation_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that decide on a challenger, promote it, and tell who has been champion."""
    return [
        _evaluation(portfolio, settings),
        _champion(portfolio, settings),
        _champion_history(portfolio),
    ]


def _evaluation(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            "evaluation",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "challenger"]),
            AssetKey([portfolio.name, "fairness_report"]),
        ],
        description=(
            "One row per month: challenger against champion on the same hold-out, "
            "and the decision in words."
        ),
    )
    def evaluation(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        client = tracking.client()
        serving = version_of(client, portfolio.name, CHAMPION)
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                hearing = _hearing(connection, client, portfolio, month, serving)

            judged = judge(
                portfolio,
                month,
                hearing.challenger,
                hearing.champion,
                hearing.customers,
                replicates=settings.bootstrap_replicates,
                fairness=hearing.fairness,
            )
            with warehouse.get_connection() as connection:
                record = partial(
                    evaluation_table.replace_evaluation,
                    connection,
                    portfolio,
                    judged,
                    notes=hearing.notes,
                )
                row = write(
                    connection,
                    warehouse.lake,
                    record,
                    note=f"{portfolio.name}: {judged.decision.reason}",
                )

            context.log.info(f"{label(month)}: {judged.decision.reason}")
            if judged.decision.promoted and not obstacle_to_promotion(
                client,
                portfolio.name,
                judgement_of(row),
                serving,
            ):
                # In a range of months the next challenger meets the one that this month has
                # promoted.
                serving = judged.challenger.version

            describe(context, month, _shown(judged, hearing.customers.churned))

        return MaterializeResult()

    return evaluation


@dataclass(frozen=True)
class _Hearing:
    """Who is to be judged on what."""

    challenger: Contender
    champion: Contender | None
    customers: Labelled
    fairness: Fairness
    notes: dict[str, Any]


def _hearing(
    connection: duckdb.DuckDBPyConnection,
    client: "MlflowClient",
    portfolio: Portfolio,
    month: date,
    serving: int | None,
) -> _Hearing:
    version = challenger_of(client, portfolio.name, label(month))
    challenger = load_version(client, portfolio, version)
    record = challenger.record
    customers = challenger.holdout(connection)
    row = evaluation_table.read_evaluation(connection, portfolio, month)
    # A version meets the champion of its first judgement, so that a repeated run decides alike.
    previous = version_of(client, portfolio.name, PREVIOUS)
    opponent = opponent_of(row, version, serving=serving, previous=previous)
    notes: dict[str, Any] = {"holdout_month": record.holdout_month}

    champion = None
    if opponent is not None:
        rival = load_version(client, portfolio, opponent)
        # The champion may have other features than the challenger; both must score the same
        # customers.
        seen = challenger.holdout_as_seen_by(connection, rival)
        known = known_customers(connection, rival, record.holdout_month, customers)
        champion = _contender(rival, seen, known=known)
        notes["champion_training_months"] = rival.record.training_months

    groups = groups_on_holdout(
        connection,
        portfolio,
        challenger,
        customers,
        portfolio.protected_attributes,
    )
    barred = withdrawal(client, portfolio.name, version)

    def fairness(probability: np.ndarray, threshold: float) -> FairnessGap | None:
        named = probability >= threshold
        return largest_gap(groups, customers.churned, named, portfolio.gates)

    return _Hearing(
        challenger=_contender(challenger, customers, barred=barred),
        champion=champion,
        customers=customers,
        fairness=fairness,
        notes=notes,
    )


def _contender(version: Version, customers: Labelled, **options: Any) -> Contender:
    return Contender(
        version.number,
        version.model,
        version.record.threshold,
        features=customers.features,
        **options,
    )


def _shown(judged: Evaluation, churned: np.ndarray) -> dict[str, Any]:
    contenders = {f"challenger {judged.challenger.version}": judged.challenger}
    if judged.champion:
        contenders[f"champion {judged.champion.version}"] = judged.champion

    metrics = {}
    intervals = {}
    scored = {}
    for name, one in contenders.items():
        if one.standing.metrics:
            metrics[name] = one.standing.metrics.as_dict()
            intervals[name] = one.intervals
            scored[name] = Scored(churned, one.probability, one.threshold)

    embedded = []
    if scored:
        for name, png in pictures(scored).items():
            embedded.append(picture_markdown(name, png))

    export = judged.challenger.export
    shown: dict[str, Any] = {
        "decision": judged.decision.reason,
        "outcome": judged.decision.outcome,
        **_auc_of(judged),
        "metrics": MetadataValue.md(metrics_table(metrics, intervals)),
        "pictures": MetadataValue.md("\n".join(embedded)),
        "latency_ms": export.latency_ms,
        "latency_p99_ms": export.latency_p99_ms,
        "parity_difference": export.parity_difference,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _auc_of(judged: Evaluation) -> dict[str, float]:
    """AUC and recall of both on the hold-out, as far as they were measured."""
    figures = {}
    for name, one in (("challenger", judged.challenger), ("champion", judged.champion)):
        if one and one.standing.metrics:
            figures[f"{name}_auc"] = one.standing.metrics.auc
            figures[f"{name}_recall"] = one.standing.metrics.recall
    return figures


def _champion(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(
            portfolio.name,
            "champion",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, "evaluation"])],
        kinds={"mlflow"},
        description=(
            "The version that serves: the challenger where it was promoted, "
            "else the champion there was."
        ),
    )
    def champion(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking, audit: AuditTrail
    ) -> MaterializeResult:
        client = tracking.client()
        log = audit.log(context.run_id)
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                row = evaluation_table.recorded_evaluation(connection, portfolio, month)

            done = decide(client, log, portfolio.name, judgement_of(row))
            context.log.info(f"{label(month)}: {done}")
            version = version_of(client, portfolio.name, CHAMPION)
            shown = {
                "decision": done,
                "champion_version": version if version else "none",
                **head_metadata(log),
            }
            if version:
                shown |= version_link(tracking.tracking_uri, portfolio.name, version)

            describe(context, month, shown)

        return MaterializeResult()

    return champion


def _champion_history(portfolio: Portfolio) -> AssetsDefinition:
    # Without months, as what scores and monitoring depend on: any month is scored by the champion
    # of the day. Dagster's dialog warns of each month of a partitioned upstream that was not made,
    # and most months train no model.
    @asset(
        key=AssetKey([portfolio.name, "champion_history"]),
        group_name=group_of(portfolio.name, "training"),
        deps=[AssetKey([portfolio.name, "champion"])],
        kinds={"json"},
        description="Every version that has been champion: since when, by which act, and why.",
    )
    def champion_history(context: AssetExecutionContext, audit: AuditTrail) -> MaterializeResult:
        crowned = champions(audit.log(context.run_id).records(), portfolio.name)
        history = champions_as_markdown(crowned)
        return MaterializeResult(
            metadata={"champions": len(crowned), "history": MetadataValue.md(history)}
        )

    return champion_history
