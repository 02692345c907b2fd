"""Commands that show what a model is like, and why a customer has the score that it has."""

from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, console, portfolio_named
from churn_platform.settings import load_settings


@app.command()
def card(
    portfolio: PortfolioName,
    version: Annotated[int | None, typer.Option(help="Any version ever trained; default the champion.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write; one that ends in .html gets the page.")] = None,
) -> None:
    """Print the model card of a version as Markdown, or write it to a file as Markdown or one HTML page."""
    from churn_platform.governance.card_facts import read_card
    from churn_platform.training.registry import champion_version
    from churn_platform.training.tracking import Tracking

    settings = load_settings()
    name = portfolio_named(settings, portfolio).name
    client = Tracking.of(settings).client()
    wanted = version or champion_version(client, name)
    found = read_card(client, name, wanted, ending="html" if output and output.suffix == ".html" else "md")
    if output is None:
        console.print(found.decode(), markup=False)
        return
    output.write_bytes(found)
    console.print(f"card of version {wanted}: {output}", markup=False)
