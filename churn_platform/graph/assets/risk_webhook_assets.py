"""Customers who are newly at risk, sent to the operator's own address, as an asset; there is none
where no address is set.
"""

from datetime import date
from typing import Final
from urllib.parse import urlsplit

import duckdb
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    asset,
)

from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.trail import select
from churn_platform.campaign.newly_at_risk import newly_at_risk
from churn_platform.campaign.risk_webhook import Receiver, send_newly_at_risk
from churn_platform.graph.assets.publication_assets import PAGE
from churn_platform.graph.groups import group_of
from churn_platform.graph.partitions import describe, monthly_asset, months_of
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.ingest.hashing import set_keys
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.page_bundle import PAGE_DIR, page_dir, read_page_manifest
from churn_platform.settings import Settings

NAME: Final = "risk_webhook"
"""The asset, and the action on record."""


def risk_webhook_assets(portfolio: Portfolio, settings: Settings) -> list[AssetsDefinition]:
    """The asset, if an address is set."""
    if not settings.risk_webhook_url.get_secret_value():
        return []
    return [_risk_webhook(portfolio, settings)]


def _risk_webhook(portfolio: Portfolio, settings: Settings) -> AssetsDefinition:
    @asset(
        **monthly_asset(
            portfolio.name,
            NAME,
            group_of(portfolio.name, "monitoring"),
            settings.first_month,
        ),
        deps=[AssetKey([portfolio.name, PAGE]), AssetKey([portfolio.name, "contact_list"])],
        kinds={"http"},
        description=(
            "Sends the ids of customers who are newly at risk to the address of the settings, "
            "once for each month, of the newest month alone."
        ),
    )
    def risk_webhook(
        context: AssetExecutionContext, warehouse: Warehouse, audit: AuditTrail
    ) -> MaterializeResult:
        log = audit.log(context.run_id)
        for month in months_of(context):
            with warehouse.get_connection(read_only=True) as connection:
                set_keys(connection, settings.hash_key())
                told, sent = _send_once(connection, portfolio, month, settings, log)
            context.log.info(f"{label(month)}: {told}")
            describe(context, month, {"customers": sent, "state": told})
        return MaterializeResult()

    return risk_webhook


def _send_once(
    connection: duckdb.DuckDBPyConnection,
    portfolio: Portfolio,
    month: date,
    settings: Settings,
    log: AuditLog,
) -> tuple[str, int]:
    """What became of a month, in words, and the customers that were sent."""
    root, subject = settings.published_dir / portfolio.name, f"month {label(month)}"
    newest = max(path.name for path in (root / PAGE_DIR).glob("[0-9]*"))
    # A backfill must not tell of risks that have long become customers who left.
    if label(month) != newest:
        return f"not sent, {newest} is the newest month", 0
    records = select(log.records(), portfolio=portfolio.name, action=NAME)
    if any(record.subject == subject for record in records):
        return "sent before", 0

    tiers = [tier.name for tier in read_page_manifest(page_dir(root, label(month))).tiers]
    ids = newly_at_risk(connection, portfolio, month, tiers)
    if not ids:
        return "nobody is newly at risk", 0
    receiver = Receiver(
        settings.risk_webhook_url.get_secret_value(),
        settings.risk_webhook_secret.get_secret_value(),
        tries=settings.risk_webhook_tries,
    )
    parts = send_newly_at_risk(receiver, portfolio.name, label(month), ids)
    # After the delivery: a run that is killed between the two sends again, under the same name,
    # which the receiver can tell; the other way round nobody would hear of the month.
    log.append(
        NAME,
        portfolio=portfolio.name,
        subject=subject,
        reason="newly at risk since the month before",
        details={"customers": len(ids), "parts": parts, "host": urlsplit(receiver.url).hostname},
    )
    return f"sent to {urlsplit(receiver.url).hostname}", len(ids)
