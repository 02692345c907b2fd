"""The command that a moved or copied data folder needs once."""

from typing import Annotated

import typer

from churn_platform.cli.app import app, console
from churn_platform.errors import ChurnError
from churn_platform.masking import masked
from churn_platform.settings import load_settings
from churn_platform.sqlite_uri import sqlite_file


@app.command()
def relocate(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Have MLflow look for its files in this data folder, after it was moved, copied or restored to
    another place.
    """
    from sqlalchemy import create_engine

    from churn_platform.housekeeping.relocation import (
        as_text,
        find_moves,
        move,
        origins,
        require_files,
    )

    settings = load_settings()
    uri, artifacts = settings.mlflow_uri, settings.mlflow_artifacts
    if uri.startswith(("http:", "https:")):
        raise ChurnError(
            f"the server {masked(uri)} keeps its files itself; move them by its own means"
        )

    file = sqlite_file(uri)
    if file is not None and not file.exists():
        raise ChurnError(
            f"no MLflow store at {file}; copy the whole data folder, or set CHURN_DATA_DIR to it"
        )

    with create_engine(uri).begin() as connection:
        moves = find_moves(connection, artifacts)
        if not moves:
            console.print(f"MLflow looks for its files in {artifacts} already; nothing to change")
            return

        require_files(moves)
        console.print(
            f"from            {', '.join(origins(moves, artifacts))}\nto              {artifacts}"
        )
        console.print(as_text(moves))
        if not yes:
            typer.confirm("Change these addresses?", abort=True)

        move(connection, moves)

    console.print("changed")
