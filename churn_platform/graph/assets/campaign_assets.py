"""The contact list of a month, what it should bring and what it brought, as assets."""

from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetDep,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.bundles.customer_rows import scored_by
from churn_platform.campaign import contact_decisions as decisions
from churn_platform.campaign import contact_list as contacts
from churn_platform.campaign import outcome_table, uplift_table
from churn_platform.campaign.campaign_pictures import economics_pictures
from churn_platform.campaign.export import CSV_FILE, export_contact_list, export_folder
from churn_platform.campaign.forecast import forecast_month, replace_forecast
from churn_platform.campaign.hand_over import (
    AWAITS_APPROVAL,
    HELD,
    WAITING,
    HandOver,
    hand_over_of,
)
from churn_platform.campaign.list_approval import release_if_approved
from churn_platform.campaign.list_economics import as_markdown
from churn_platform.campaign.outcome import as_markdown as outcome_markdown
from churn_platform.campaign.shared_exports import fetch_list, send_list
from churn_platform.data_contract.profile_tables import require_sound
from churn_platform.experiments import arm_scores
from churn_platform.experiments.loader import experiments_of
from churn_platform.graph.groups import group_of
from churn_platform.graph.metadata import MONTH_ROWS
from churn_platform.graph.partitions import describe, lag, monthly_table, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.recorded_outcomes import CONTACTS
from churn_platform.markdown import picture as picture_markdown
from churn_platform.monitoring.judged_outcomes import fault_of_version
from churn_platform.monitoring.monitoring_tables import MODEL_PERFORMANCE
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings
from churn_platform.training.model_record import record_of_version
from churn_platform.warehouse.preview import preview
from churn_platform.warehouse.tables import write

PREVIEWED = (
    *("list_rank", "customer_id", "role", "offer", "expected_profit_eur", "churn_probability"),
    *("risk_tier", "reasons"),
)
CAMPAIGN_TABLES = ("contact_preferences", CONTACTS)


def campaign_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The assets that turn scores into contacts."""
    found = [
        _contact_list(portfolio, settings),
        _contact_decisions(portfolio, settings),
        _campaign_economics(portfolio, settings),
    ]
    landed = [table.name for table in portfolio.landed_tables]
    if CONTACTS in landed:
        found += [
            _campaign_outcome(portfolio, settings),
            _uplift_challenger(portfolio, settings),
        ]

    return found


def _contact_list(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    landed = [each.name for each in portfolio.landed_tables if each.name in CAMPAIGN_TABLES]
    table = f"{portfolio.name}.contact_list"

    @asset(
        **monthly_table(
            portfolio.name,
            "contact_list",
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "customer_features"]),
            # Known before the list: whether outcomes show that the model behind it is broken.
            AssetKey([portfolio.name, MODEL_PERFORMANCE]),
            # An experiment may draw between two lists.
            *_experiment_keys(portfolio, settings),
            *(AssetKey([portfolio.name, uplift_table.NAME]) for name in landed if name == CONTACTS),
            *(AssetKey([portfolio.raw_schema, name]) for name in landed),
        ],
        description=(
            "One row per customer to contact in a month, or held back as control, "
            "best expected profit first."
        ),
    )
    def contact_list(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        with warehouse.get_connection() as connection:
            require_sound(connection, portfolio, months_of(context))
            for month in months_of(context):
                shared = settings.shared("exports")
                fetch_list(shared, portfolio, month, settings.exports_dir)
                folder = export_folder(settings.exports_dir, portfolio, month)
                # The exported folder is the sign that somebody works with the list. Drawing it
                # again would change the control group of a campaign that is running.
                is_handed_over = folder.exists()
                held = _held_because(connection, portfolio, month)
                replace = partial(
                    contacts.replace_contact_list,
                    connection,
                    portfolio,
                    month,
                    is_handed_over=is_handed_over,
                    held_because=held,
                )
                rows = write(
                    connection,
                    warehouse.lake,
                    replace,
                    note=f"{portfolio.name} contact list of {label(month)}",
                )
                # By what is in the table, not by `held`: a list that was handed over before its
                # model was known to be broken stays handed over.
                if portfolio.campaign.needs_approval:
                    records = audit.log(context.run_id).records()
                    release_if_approved(connection, warehouse.lake, portfolio, month, records)
                found = hand_over_of(connection, portfolio, month)
                if found.state not in (HELD, WAITING):
                    export_contact_list(connection, portfolio, month, settings.exports_dir)
                    send_list(shared, portfolio, month, settings.exports_dir)

                summary = contacts.summarise(connection, portfolio, month)
                context.log.info(
                    f"{label(month)}: {summary['contacts']:,} contacts, "
                    f"{summary['control']:,} control"
                )
                context.log.info(f"{label(month)}: {found.words}")
                if found.state == WAITING:
                    context.log.info(
                        f"to hand it over: `churn approve-list {portfolio.name} "
                        f"--month {label(month)} --reason ...`, or the campaign's page"
                    )
                if is_handed_over:
                    context.log.info(
                        f"{label(month)}: handed over before; to draw it again, "
                        f"remove {folder} first"
                    )

                shown = preview(connection, table, month, PREVIEWED, order="list_rank")
                more = {MONTH_ROWS: rows, "preview": MetadataValue.md(shown)}
                describe(context, month, summary | _told(found, folder) | more)

        return MaterializeResult()

    return contact_list


def _experiment_keys(portfolio: Portfolio, settings: Settings) -> list[AssetKey]:
    """What experiments give to the list; nothing for a portfolio that has none."""
    if not experiments_of(settings.experiments_dir, portfolio.name):
        return []
    return [AssetKey([portfolio.name, arm_scores.NAME])]


def _contact_decisions(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            decisions.NAME,
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "contact_list"]),
        ],
        description=(
            "One row per scored customer: contacted in the month or not, and why, such as by how "
            "much a contact is not worth its cost."
        ),
    )
    def contact_decisions(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> MaterializeResult:
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                fetch_list(settings.shared("exports"), portfolio, month, settings.exports_dir)
                folder = export_folder(settings.exports_dir, portfolio, month)
                replace = partial(
                    decisions.replace_decisions,
                    connection,
                    portfolio,
                    month,
                    is_handed_over=folder.exists(),
                )
                rows = write(connection, warehouse.lake, replace)
                counted = decisions.count_decisions(connection, portfolio, month)
                described = ", ".join(f"{count:,} {name}" for name, count in counted.items())
                context.log.info(f"{label(month)}: {described}")
                describe(context, month, {MONTH_ROWS: rows, **counted})

        return MaterializeResult()

    return contact_decisions


def _held_because(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> str | None:
    """Why the month's list must not be handed over, or not yet; None if it may be."""
    campaign = portfolio.campaign
    fault = None
    if not campaign.hand_over_if_severe:
        version = scored_by(connection, portfolio, month)
        fault = fault_of_version(connection, portfolio, version, month)
    return fault or (AWAITS_APPROVAL if campaign.needs_approval else None)


def _told(found: HandOver, folder: Path) -> dict[str, Any]:
    """Whose list it is, its state, and where it is if it was handed over."""
    shown: dict[str, Any] = {"list_status": found.words}
    if found.version is not None:
        shown["model_version"] = found.version
    if found.state not in (HELD, WAITING):
        shown["file"] = MetadataValue.path(str(folder / CSV_FILE))
    return shown


def _campaign_economics(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_table(
            portfolio.name,
            "campaign_economics",
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "contact_list"]),
        ],
        description=(
            "One row per month and policy: what contacting no one, everyone or the list brings."
        ),
    )
    def campaign_economics(
        context: AssetExecutionContext, warehouse: Warehouse, tracking: Tracking
    ) -> MaterializeResult:
        client = tracking.client()
        economics = portfolio.economics
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                version = scored_by(connection, portfolio, month)
                record = record_of_version(client, portfolio.name, version)
                forecast = forecast_month(connection, portfolio, month, record.holdout)
                replace = partial(replace_forecast, connection, portfolio, month, forecast)
                write(connection, warehouse.lake, replace)
                listed = forecast.policies[-1]
                shown = {
                    "expected_profit_eur": listed.net_eur,
                    "contacts": listed.contacts,
                    "policies": MetadataValue.md(as_markdown(forecast.policies)),
                    "sensitivity": MetadataValue.md(forecast.sensitivity_markdown()),
                }
                drawn = economics_pictures(forecast.probability, economics, forecast.sensitivity)
                for name, picture in drawn.items():
                    page = picture_markdown(name, picture)
                    shown[f"picture_{name}"] = MetadataValue.md(page)

                describe(context, month, shown)

        return MaterializeResult()

    return campaign_economics


def _campaign_outcome(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    # Keyed by the month of the outcome, as labels are: the list is that of the month before (and
    # gap). Keyed by the list's month, it would need a month that has not come.
    earlier = lag(portfolio.label.outcome_months)

    @asset(
        **monthly_table(
            portfolio.name,
            outcome_table.NAME,
            group_of(portfolio.name, "monitoring"),
            settings.first_month,
        ),
        deps=[
            AssetDep(AssetKey([portfolio.name, "contact_list"]), partition_mapping=earlier),
            AssetDep(AssetKey([portfolio.raw_schema, CONTACTS]), partition_mapping=earlier),
            AssetKey([portfolio.name, "churn_labels"]),
        ],
        description=(
            "What the list with outcomes in the month earned: treated against control, by offer, "
            "to date."
        ),
    )
    def campaign_outcome(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                rows = outcome_table.find_outcome(connection, portfolio, month)
                replace = partial(outcome_table.replace_outcome, connection, portfolio, month, rows)
                write(connection, warehouse.lake, replace)
                said = page = "no list with a control group was worked off"
                if rows:
                    said = rows[0]["verdict"]
                    page = outcome_markdown(rows)

                context.log.info(f"{label(month)}: {said}")
                figures = outcome_table.true_profit(rows)
                describe(context, month, {"outcome": MetadataValue.md(page), **figures})

        return MaterializeResult()

    return campaign_outcome


def _uplift_challenger(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    """It also reads the lists of earlier months: no dependency, for in the graph the list comes
    after it.
    """

    @asset(
        **monthly_table(
            portfolio.name,
            uplift_table.NAME,
            group_of(portfolio.name, "scores"),
            settings.first_month,
        ),
        deps=[
            AssetKey([portfolio.name, "monthly_scores"]),
            AssetKey([portfolio.name, "customer_features"]),
            AssetKey([portfolio.name, "churn_labels"]),
            AssetKey([portfolio.raw_schema, CONTACTS]),
        ],
        description=(
            "One row per month: whether the effect of a contact ranks the list, instead of churn, "
            "and why."
        ),
    )
    def uplift_challenger(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> MaterializeResult:
        with warehouse.get_connection() as connection:
            for month in months_of(context):
                found, uplift = uplift_table.challenge_month(
                    connection,
                    portfolio,
                    month,
                    threads=settings.model_threads,
                )
                replace = partial(
                    uplift_table.replace_challenge,
                    connection,
                    portfolio,
                    month,
                    found,
                    uplift,
                )
                write(connection, warehouse.lake, replace)
                context.log.info(f"{label(month)}: {found.reason}")
                shown = {
                    "decision": MetadataValue.md(uplift_table.as_markdown(found)),
                    "is_used": found.is_used,
                }
                describe(context, month, shown)

        return MaterializeResult()

    return uplift_challenger
