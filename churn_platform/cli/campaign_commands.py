"""The command on a month's contact list: a person's approval."""

from contextlib import closing
from typing import Annotated, Any

import typer

from churn_platform import months
from churn_platform.audit.audit_record import Record
from churn_platform.cli.app import (
    MonthText,
    PortfolioName,
    app,
    audit_log,
    console,
    portfolio_named,
    read_month,
)
from churn_platform.settings import load_settings


@app.command()
def approve_list(
    portfolio: PortfolioName,
    month: MonthText,
    reason: Annotated[
        str, typer.Option(help="Why it may go out, for the audit trail; without personal data.")
    ],
) -> None:
    """Approve a month's contact list that waits for a person, and hand it over."""
    from churn_platform.audit.anchors import note_head
    from churn_platform.campaign.export import export_contact_list
    from churn_platform.campaign.list_approval import ACTION, approve_list
    from churn_platform.campaign.shared_exports import send_list
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.published.page_bundle import page_dir
    from churn_platform.read_model.publish import publish_page
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec, chosen, lake = portfolio_named(settings, portfolio), read_month(month), Lake.of(settings)
    # MLflow must answer before anything is approved: the head of the trail is noted there.
    trail, client = audit_log(settings), Tracking.of(settings).answering_client(make=True)
    root = settings.published_dir / portfolio

    def record(details: dict[str, Any]) -> Record:
        subject = f"month {months.label(chosen)}"
        made = trail.append(
            ACTION, portfolio=portfolio, subject=subject, reason=reason, details=details
        )
        note_head(client, made)
        return made

    with closing(connect(lake)) as connection:
        approve_list(connection, lake, spec, chosen, record=record)
        folder = export_contact_list(connection, spec, chosen, settings.exports_dir)
        send_list(settings.shared("exports"), spec, chosen, settings.exports_dir)
        if page_dir(root, months.label(chosen)).exists():
            # So that agents may make the offers now, and not after the next run.
            publish_page(connection, root, spec, chosen, trail.records())

    console.print(f"approved        the list of {month} is handed over")
    console.print(f"file            {folder}")
