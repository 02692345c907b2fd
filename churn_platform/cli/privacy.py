"""The commands that erase: a customer, and answers after their time."""

import getpass
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, console, portfolio_named
from churn_platform.errors import ErasureError
from churn_platform.months import label, shift
from churn_platform.settings import load_settings


@app.command()
def erase(
    portfolio: PortfolioName,
    customer: Annotated[str, typer.Option(help="The customer's id.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail; without personal data.")],
    landing: Annotated[bool, typer.Option("--landing", help="Rewrite the operator's landed files as well.")] = False,
    even_if_unknown: Annotated[
        bool, typer.Option("--even-if-unknown", help="Keep the id out of later deliveries although nothing knows it.")
    ] = False,
    also: Annotated[list[Path] | None, typer.Option(help="A further folder to search; repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a customer from everything the platform keeps, and search for what is left (GDPR, art. 17)."""
    from churn_platform.audit.log import AuditLog
    from churn_platform.erasure.erase import Installation, erase, plan_erasure
    from churn_platform.erasure.report import as_text, record_erasure
    from churn_platform.portfolios.registry import load_portfolios

    if customer in reason:
        raise ErasureError(
            "the reason names the customer, and the audit trail keeps it for ever; say it without the id"
        )
    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    installation = Installation(
        settings,
        tuple(load_portfolios(settings.portfolios_dir)),
        foreign=(settings.landing_dir, settings.truth_dir),
    )
    plan = plan_erasure(installation, spec, customer, unknown=even_if_unknown)
    for table, rows in plan.subject.found.items():
        console.print(f"{rows:>9,} rows  {table}", markup=False)
    if not yes:
        typer.confirm("Erase for good? No model of a time with this customer can be reproduced afterwards", abort=True)
    month = datetime.now(UTC).date().replace(day=1)
    log = AuditLog(settings.audit_path, getpass.getuser(), lambda: datetime.now(UTC))
    with console.status("erasing") as status:
        done = erase(
            installation,
            plan,
            month=month,
            rewrite_landing=landing,
            also=also or [],
            record=partial(record_erasure, log, reason=reason),
            show=lambda step: status.update(f"erasing: {step}"),
        )
    console.print(as_text(done, rewritten=landing), markup=False)


@app.command()
def forget_answers(
    portfolio: PortfolioName,
    months: Annotated[int, typer.Option(min=1, help="Months of answers to keep, the current one among them.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove what the service answered longer ago, from the disk too."""
    from churn_platform.serving_log.ingest import ingest_segments
    from churn_platform.serving_log.retention import forget_answers, purge_answers
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    name, lake = portfolio_named(settings, portfolio).name, Lake.of(settings)
    folder, month = settings.serving_log_dir / name, datetime.now(UTC).date().replace(day=1)
    before = shift(month, 1 - months)
    if not yes:
        told = f"Remove the answers before {label(before)}? No model recorded while they were there can be reproduced"
        typer.confirm(told, abort=True)
    with closing(connect(lake)) as connection:
        ingest_segments(connection, lake, name, folder)
        count = forget_answers(connection, lake, name, folder, before=before)
    purged = purge_answers(lake, name, month=month)
    console.print(f"{count:,} answers before {label(before)} forgotten, {purged.files:,} files removed", markup=False)
