"""Fairness, explanations and model card of a month's challenger as assets."""

import json
from dataclasses import asdict
from functools import partial

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.governance.card import card_html, card_markdown, card_summary
from churn_platform.governance.card_facts import read_facts
from churn_platform.governance.evaluated_version import examine
from churn_platform.governance.explanations import explain
from churn_platform.governance.fairness_text import (
    fairness_markdown,
    importance_markdown,
)
from churn_platform.governance.governance_tables import replace_explanations, replace_fairness
from churn_platform.graph.groups import group_of
from churn_platform.graph.mlflow_links import artifact_link, run_link
from churn_platform.graph.partitions import describe, monthly_asset, monthly_table, months_of
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.markdown import picture as picture_markdown
from churn_platform.metrics.fairness import measure_fairness, worst_gap
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.training.artifacts import (
    FAIRNESS_FILE,
    FAIRNESS_PAGE,
    IMPORTANCE_FILE,
    PICTURES_FOLDER,
    card_file,
    log_files,
)
from churn_platform.warehouse.tables import write


def governance_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that say what a challenger is like."""
    return [
        _fairness_report(portfolio, settings),
        _explanations(portfolio, settings),
        _model_card(portfolio, settings),
    ]


def _fairness_report(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            "fairness_report",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, "challenger"])],
        description=(
            "One row per month, protected attribute and group: the challenger's rates "
            "on the hold-out."
        ),
    )
    def fairness_report(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        client = tracking.client()
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                examined = examine(client, connection, portfolio, month)

            attributes = measure_fairness(
                examined.protected_groups,
                examined.holdout.churned,
                examined.probability,
                threshold=examined.record.threshold,
                gates=portfolio.gates,
                seed=portfolio.split.seed,
            )
            # Kept on the version's run, not only in the lake: a card can then be had for any
            # version.
            page = fairness_markdown(attributes, portfolio.gates)
            stored = json.dumps([asdict(it) for it in attributes], indent=2)
            log_files(
                client,
                examined.record.mlflow_run_id,
                {FAIRNESS_FILE: stored, FAIRNESS_PAGE: page},
            )
            with warehouse.get_connection() as connection:
                write(
                    connection,
                    warehouse.lake,
                    partial(replace_fairness, connection, examined, attributes),
                )

            gap = worst_gap(attributes)
            context.log.info(f"{label(month)}: equalized-odds difference {gap}")
            shown = {
                "fairness": MetadataValue.md(page),
                "equalized_odds_difference": "not defined" if gap is None else gap,
                "model_version": examined.version,
            }
            describe(context, month, shown)

        return MaterializeResult()

    return fairness_report


def _explanations(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            "explanations",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, "challenger"])],
        description=(
            "One row per month and feature: the challenger's global importance, with SHAP pictures."
        ),
    )
    def explanations(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        client = tracking.client()
        seed = portfolio.split.seed
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                examined = examine(client, connection, portfolio, month)

            ranking, pictures = explain(examined.model, examined.features, seed=seed)
            shown = {
                "importance": MetadataValue.md(importance_markdown(ranking)),
                "model_version": examined.version,
            }
            files: dict[str, bytes | str] = {}
            files[IMPORTANCE_FILE] = json.dumps([asdict(it) for it in ranking], indent=2)
            for name, picture in pictures.items():
                files[f"{PICTURES_FOLDER}/{name}"] = picture
                page = picture_markdown(name, picture)
                shown[name.removesuffix(".png")] = MetadataValue.md(page)

            log_files(client, examined.record.mlflow_run_id, files)
            with warehouse.get_connection() as connection:
                replace = partial(replace_explanations, connection, examined, ranking)
                write(connection, warehouse.lake, replace)

            context.log.info(
                f"{label(month)}: version {examined.version} looks most at {ranking[0].feature}"
            )
            describe(context, month, shown)

        return MaterializeResult()

    return explanations


def _model_card(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    # After the evaluation: a card is made once, by the run that judged the version. What becomes of
    # the version later is in the audit trail, not in the card.
    needed = ("fairness_report", "explanations", "evaluation")

    @asset(
        **monthly_asset(
            portfolio.name,
            "model_card",
            group_of(portfolio.name, "training"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, name]) for name in needed],
        kinds={"markdown"},
        description=(
            "The card of the month's challenger, promoted or not: its use, quality, fairness "
            "and origin."
        ),
    )
    def model_card(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        client = tracking.client()
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                examined = examine(client, connection, portfolio, month)
                facts = read_facts(client, connection, examined)

            version, run_id = examined.version, examined.record.mlflow_run_id
            page = card_markdown(facts)
            html = card_html(page, title=f"Model card: {portfolio.name} version {version}")
            files = {
                card_file(version, "md"): page,
                card_file(version, "html"): html,
            }
            log_files(client, examined.record.mlflow_run_id, files)
            context.log.info(f"{label(month)}: card of version {version}")
            # The short card first, also in the order of the alphabet, in which the UI may sort.
            shown = {
                "card": MetadataValue.md(card_summary(facts)),
                "card_in_full": MetadataValue.md(page),
                "card_page": artifact_link(
                    client,
                    tracking.tracking_uri,
                    run_id,
                    card_file(version, "html"),
                ),
                "model_version": version,
                **run_link(client, tracking.tracking_uri, run_id),
            }
            describe(context, month, shown)

        return MaterializeResult()

    return model_card
