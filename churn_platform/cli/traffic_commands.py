"""The command that starts and ends an experiment on live traffic."""

from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, console
from churn_platform.cli.models_commands import Reason, publisher_of
from churn_platform.settings import load_settings


@app.command()
def traffic(
    portfolio: PortfolioName,
    challenger: Annotated[int, typer.Option(help="Published version to try beside the champion.")],
    reason: Reason,
    weight: Annotated[
        float, typer.Option(help="Its share of the customers; 0 ends the experiment.")
    ] = 0.0,
    shadow: Annotated[
        bool, typer.Option(help="Let it score every request without ever answering.")
    ] = False,
) -> None:
    """Send a share of the customers to another version, or let it score in the shadow; on record
    before it is live.
    """
    from churn_platform.promotion.traffic import share_traffic

    publisher = publisher_of(load_settings(), portfolio)
    live = share_traffic(
        publisher,
        challenger=challenger,
        weight=weight,
        shadow=shadow,
        reason=reason,
    )
    for model in live.models:
        console.print(f"version {model.version:<4}{model.role:<12}{model.weight:.0%}")
