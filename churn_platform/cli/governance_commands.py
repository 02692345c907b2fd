"""Commands that show what a model is like, and why a customer has the score that it has."""

from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, console, portfolio_named, read_month
from churn_platform.errors import ChurnError
from churn_platform.settings import load_settings


@app.command()
def card(
    portfolio: PortfolioName,
    version: Annotated[
        int | None, typer.Option(help="Any version ever trained; default the champion.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write; one that ends in .html gets the page.")
    ] = None,
) -> None:
    """Print the model card of a version as Markdown, or write it to a file as Markdown or one HTML
    page.
    """
    from churn_platform.governance.card_facts import read_card
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.training.model_registry import champion_version

    settings = load_settings()
    name = portfolio_named(settings, portfolio).name
    client = Tracking.of(settings).answering_client()
    wanted = champion_version(client, name) if version is None else version
    found = read_card(
        client,
        name,
        wanted,
        ending="html" if output and output.suffix == ".html" else "md",
    )
    if output is None:
        console.print(found.decode())
        return

    output.write_bytes(found)
    console.print(f"card of version {wanted}: {output}")


@app.command()
def explain(
    portfolio: PortfolioName,
    customer_id: Annotated[str, typer.Argument(help="The customer's id.")],
    month: Annotated[
        str | None, typer.Option(help="Month as YYYY-MM; default the published one.")
    ] = None,
) -> None:
    """Explain a customer's score: probability, tier, reasons in words, and what would have to
    change.
    """
    from churn_platform.bundles.shared_portfolio import live_now
    from churn_platform.governance.explain_customer import as_text, explain_customer
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.scoring.champion_model import load_champion
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    live = live_now(settings, portfolio)
    wanted = month or (live.features_month if live else None)
    if wanted is None:
        raise ChurnError(
            f"nothing of {portfolio} is published; give --month, "
            f"or run `churn run {portfolio}` first"
        )

    champion = load_champion(Tracking.of(settings).answering_client(), spec)
    with connect(Lake.of(settings), read_only=True) as connection:
        found = explain_customer(connection, spec, champion, customer_id, read_month(wanted))

    console.print(as_text(found))
