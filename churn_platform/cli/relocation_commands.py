"""The command that a moved or copied data folder needs once."""

from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import app, console
from churn_platform.errors import ChurnError
from churn_platform.masking import masked
from churn_platform.settings import Settings, load_settings
from churn_platform.sqlite_uri import sqlite_file


@app.command()
def relocate(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Have MLflow look for its files in this data folder, and Dagster find its history, after the
    folder was moved, copied or restored to another place.
    """
    settings = load_settings()
    _relocate_history(settings, yes)
    _relocate_mlflow(settings, yes)


def _relocate_history(settings: Settings, yes: bool) -> None:
    """The history goes where `dagster.yaml` says, which may be outside of the data folder."""
    from churn_platform.graph.runs import history_folder
    from churn_platform.housekeeping.relocation import bring_history, has_history

    here, place = settings.root / "dagster", history_folder(Path.cwd())
    if place is None or here.resolve() == place.resolve() or not has_history(here):
        return
    console.print(f"Dagster keeps its history in {place}, and there is one in {here}")
    if has_history(place):
        console.print("both have runs, so neither is touched; set DAGSTER_HOME to choose one")
        return
    if not yes:
        typer.confirm(f"Move it to {place}?", abort=True)
    bring_history(here, place)
    console.print("moved")


def _relocate_mlflow(settings: Settings, yes: bool) -> None:
    from sqlalchemy import create_engine

    from churn_platform.housekeeping.relocation import (
        as_text,
        find_moves,
        move,
        origins,
        require_files,
    )

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
