"""Publishes a month of the read model: everything that the page shows of a portfolio."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import msgspec

from churn_platform.audit.audit_record import Record
from churn_platform.bundles.customer_rows import scored_by
from churn_platform.campaign.contact_list import control_run, has_uplift, offers_of
from churn_platform.campaign.hand_over import hand_over_of
from churn_platform.errors import PublicationError
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import (
    DamagedError,
    ModelManifest,
    model_dir,
    read_model_manifest,
)
from churn_platform.published.page_bundle import (
    CONTACTS_FILE,
    FIGURES_FILE,
    PHONES_FILE,
    Fact,
    PageManifest,
    PublishedCampaign,
    PublishedOffer,
    page_dir,
)
from churn_platform.published.regular_files import file_sha256
from churn_platform.read_model.customer_rows import (
    contacts_sql,
    customers_sql,
    facts_of,
    phones_sql,
)
from churn_platform.read_model.figures import figures_of
from churn_platform.read_model.parts import LOOK_UP_ROWS, parquet_options, write_customers
from churn_platform.sql import literal


def publish_page(
    connection: duckdb.DuckDBPyConnection,
    root: Path,
    portfolio: Portfolio,
    month: date,
    records: Sequence[Record],
) -> PageManifest:
    """Write the month's folder in one step, from scores, list and decisions of the lake.

    records: of the audit trail. PublicationError if the month has no scores, or the version that
    scored it no bundle.
    """
    model = _bundle_of(root, scored_by(connection, portfolio, month))
    tiers = [tier.name for tier in model.tiers]
    customers = customers_sql(portfolio, month, tiers)
    queries = {
        PHONES_FILE: phones_sql(connection, portfolio, month),
        CONTACTS_FILE: contacts_sql(connection, portfolio, month),
    }
    with new_folder(page_dir(root, label(month))) as draft:
        count, parts = write_customers(connection, draft, customers)
        options = parquet_options(LOOK_UP_ROWS)
        for name, query in queries.items():
            target = literal(draft / name)
            connection.execute(f"copy ({query}) to {target} ({options})")

        figures = figures_of(connection, portfolio, month, records)
        (draft / FIGURES_FILE).write_bytes(msgspec.json.encode(figures))
        # Last of all files, because the manifest has the hash of each.
        manifest = PageManifest(
            portfolio=portfolio.name,
            title=portfolio.title,
            month=label(month),
            customers=count,
            scored_by=model.version,
            tiers=model.tiers,
            facts=_facts(portfolio),
            campaign=_campaign(connection, portfolio, month),
            parts=parts,
            sha256={path.name: file_sha256(path) for path in sorted(draft.iterdir())},
        )
        write_manifest(draft, manifest)
    return manifest


def _bundle_of(root: Path, version: int) -> ModelManifest:
    folder = model_dir(root, version)
    try:
        return read_model_manifest(folder)
    except (OSError, DamagedError) as error:
        raise PublicationError(
            f"version {version} scored the month and has no whole bundle in "
            f"{folder} ({error}); materialize its published_model"
        ) from error


def _facts(portfolio: Portfolio) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            name=feature.name,
            type=feature.type,
            unit=feature.unit,
            description=feature.description,
            levels=feature.levels,
            range=feature.range,
            is_lever=feature.actionable is not None,
        )
        for feature in facts_of(portfolio)
    )


def _campaign(
    connection: duckdb.DuckDBPyConnection, portfolio: Portfolio, month: date
) -> PublishedCampaign:
    campaign = portfolio.campaign
    found = hand_over_of(connection, portfolio, month)
    offers = []
    for offer in offers_of(portfolio):
        published = PublishedOffer(
            offer.name,
            offer.channel,
            offer.contact_cost_eur,
            offer.acceptance_rate,
        )
        offers.append(published)

    return PublishedCampaign(
        offers=tuple(offers),
        budget_eur=campaign.budget_eur,
        capacity=campaign.capacity,
        control_run=control_run(campaign) if campaign.control_share else 0,
        cooldown_months=campaign.cooldown_months,
        list_state=found.state,
        list_words=found.words,
        is_ranked_by_uplift=has_uplift(connection, portfolio, month),
    )
