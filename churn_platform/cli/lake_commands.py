"""Commands on the lake's files: say which are damaged, and make the rows of a month again."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import app, console, read_month, require_partitions
from churn_platform.settings import load_settings

PAST = "only past states read it: models that were fitted on them cannot be reproduced"


@app.command()
def check_lake() -> None:
    """Compare every file of the lake with what was written, by size and checksum; exit code 1 if
    one is damaged.
    """
    from churn_platform.warehouse.damage import dropped_months, find_damage
    from churn_platform.warehouse.lake import Lake, connect
    from churn_platform.warehouse.lake_files import lake_files

    lake = Lake.of(load_settings())
    with closing(connect(lake, read_only=True)) as connection:
        files = lake_files(connection, lake)

    damage = [*find_damage(lake, files), *dropped_months(lake)]
    # Damage of past states alone is no failure: nothing of today reads them.
    live = [found for found in damage if found.is_live]
    for found in damage:
        console.print(f"damaged         {found}")
        console.print(f"                {found.cure if found.is_live else PAST}")

    console.print(f"{len(files):,} files, {len(live):,} of the newest state damaged")
    raise typer.Exit(1 if live else 0)


@app.command()
def materialize(
    table: Annotated[str, typer.Argument(help="A table of the lake, as schema.table.")],
    month: Annotated[str, typer.Option(help="Month as YYYY-MM.")],
) -> None:
    """Make one month of one table again, for example after `churn check-lake` has named a damaged
    file of it.
    """
    settings = load_settings()
    chosen = read_month(month)
    require_partitions(settings, chosen, chosen)

    from churn_platform.definitions import (
        build_defs,
    )  # seconds, which a mistake above need not cost
    from churn_platform.graph.runs import dagster_instance, materialize_table
    from churn_platform.warehouse.lake import Lake
    from churn_platform.warehouse.lake_notes import forget_dropped

    log = settings.root / "logs" / "materialize.log"
    instance = dagster_instance(Path.cwd())
    materialize_table(build_defs(), instance, table, chosen, log=log, show=console.print)
    forget_dropped(Lake.of(settings), [(table, chosen)])
