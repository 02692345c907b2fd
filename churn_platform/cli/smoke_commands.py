"""The command that checks a service after a deployment."""

from pathlib import Path
from typing import Annotated

import typer

from churn_platform import smoke as checks
from churn_platform.cli.app import app, console


@app.command()
def smoke(
    url: Annotated[str, typer.Option(help="Address of the service.")],
    key_file: Annotated[Path | None, typer.Option(help="File that holds an API key.")] = None,
) -> None:
    """Check a service after a deployment: health, version, recorded predictions, metrics, /v2."""
    for line in checks.smoke(url, key_file):
        console.print(line)
