"""The command that erases a customer."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, audit_log, console, portfolio_named
from churn_platform.errors import ErasureError
from churn_platform.settings import load_settings


@app.command()
def erase(
    portfolio: PortfolioName,
    customer: Annotated[str, typer.Option(help="The customer's id.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail; without personal data.")],
    landing: Annotated[
        bool, typer.Option("--landing", help="Rewrite the operator's landed files as well.")
    ] = False,
    even_if_unknown: Annotated[
        bool,
        typer.Option(
            "--even-if-unknown",
            help="Keep the id out of later deliveries although nothing knows it.",
        ),
    ] = False,
    also: Annotated[
        list[Path] | None, typer.Option(help="A further folder to search; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a customer from everything the platform keeps, and search for what is left (GDPR, art.
    17).
    """
    from churn_platform.erasure.erase import Installation, erase, plan_erasure
    from churn_platform.erasure.erasure_record import as_text, record_erasure
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.portfolios.loader import load_portfolios

    if not customer.strip():
        raise ErasureError("the customer's id is empty; give the id with --customer")
    # Nothing is ever removed from the trail, so an id in the reason could not be erased.
    if customer in reason:
        raise ErasureError(
            "the reason names the customer, and the audit trail keeps it for ever; "
            "say it without the id"
        )

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    installation = Installation(
        settings,
        tuple(load_portfolios(settings.portfolios_dir)),
        # Landed files are the operator's and are handled apart; the simulator's customers do not
        # exist.
        foreign=(settings.landing_dir, settings.truth_dir),
    )
    plan = plan_erasure(installation, spec, customer, unknown=even_if_unknown)
    for table, rows in plan.subject.found.items():
        console.print(f"{rows:>9,} rows  {table}")

    if not yes:
        typer.confirm(
            "Erase for good? No model of a time with this customer can be reproduced afterwards",
            abort=True,
        )

    month, client = (
        datetime.now(UTC).date().replace(day=1),
        Tracking.of(settings).answering_client(make=True),
    )
    with console.status("erasing") as status:
        done = erase(
            installation,
            plan,
            month=month,
            rewrite_landing=landing,
            also=also or [],
            record=partial(record_erasure, audit_log(settings), client, reason=reason),
            show=lambda step: status.update(f"erasing: {step}"),
        )

    console.print(as_text(done, rewritten=landing))
