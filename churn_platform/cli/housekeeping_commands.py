"""The command that removes what only the past needs."""

from datetime import UTC, datetime
from pathlib import Path

from churn_platform.cli.app import app, console
from churn_platform.settings import load_settings


@app.command()
def housekeeping() -> None:
    """Pack the lake, and remove what is older than its retention; the same as the asset does once a
    month.
    """
    from churn_platform.graph.old_runs import forgetting
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.graph.runs import dagster_instance
    from churn_platform.housekeeping.clean_up import Retention, as_markdown, keep_house
    from churn_platform.portfolios.loader import load_portfolios

    settings = load_settings()
    portfolios, forget = (
        list(load_portfolios(settings.portfolios_dir)),
        forgetting(dagster_instance(Path.cwd())),
    )
    retention = Retention.of(settings, datetime.now(UTC))
    with console.status("housekeeping"):
        done = keep_house(
            settings,
            portfolios,
            Tracking.of(settings).answering_client(make=True),
            retention,
            forget_runs=forget,
        )

    console.print(as_markdown(done))
