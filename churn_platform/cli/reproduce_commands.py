"""The command that fits a version again and compares."""

from typing import Annotated

import typer

from churn_platform.cli.app import PortfolioName, app, console, portfolio_named
from churn_platform.settings import load_settings


@app.command()
def reproduce(
    portfolio: PortfolioName, version: Annotated[int, typer.Option(help="Version to fit again.")]
) -> None:
    """Fit a version again from its recorded rows, parameters and seed; exit code 1 where other
    metrics come out.
    """
    from contextlib import closing

    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.training.fit import Means
    from churn_platform.training.model_registry import version_named
    from churn_platform.training.reproduce import as_text, reproduce
    from churn_platform.training.tune import Budget
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    client = Tracking.of(settings).answering_client()
    version_named(client, portfolio, version)
    # No trials: the recorded parameters are used, and tuning again could choose others.
    means = Means(settings.model_threads, Budget(0, 0, 0), settings.root / "tmp")
    with (
        closing(connect(Lake.of(settings), read_only=True)) as connection,
        console.status("fitting again"),
    ):
        done = reproduce(
            connection,
            client,
            spec,
            version,
            means=means,
            code_version=settings.running_code_version,
            rows_max=settings.training_rows_max,
        )

    console.print(as_text(done))
    raise typer.Exit(0 if done.agrees else 1)
