"""The command that connects an operator's own tables, and tries a month of them."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from churn_platform.cli.app import app, console, portfolio_named, read_month
from churn_platform.errors import ChurnError
from churn_platform.settings import Settings, load_settings


@app.command()
def connect(
    name: Annotated[str, typer.Argument(help="Name of the portfolio.")],
    source: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=ADDRESS: postgres://user@host/db, mysql://..., file.db, odbc, a folder, "
            "s3://..., az://..., delta:... or iceberg:...; may be repeated."
        ),
    ] = None,
    timezone: Annotated[
        str, typer.Option(help="Zone in which the operator's months and days begin.")
    ] = "UTC",
    check: Annotated[
        str | None, typer.Option(help="Month as YYYY-MM: a dry run of it by the spec as it is.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a spec of that name.")] = False,
) -> None:
    """Look at an operator's own databases and files, propose how they become the recipe's tables,
    and write the spec; with --check run a month through it and keep nothing.
    """
    settings = load_settings()
    # Not both at once: a person corrects the spec between the two.
    if bool(source) == bool(check):
        raise ChurnError(
            "give --source for each database or store, or --check with a month: "
            f"churn connect {name} --source crm=postgres://reader@db.example/crm"
        )
    if check:
        _check(settings, name, check)
        return
    _propose(settings, name, source or [], timezone=timezone, overwrite=overwrite)


def _propose(
    settings: Settings, name: str, sources: list[str], *, timezone: str, overwrite: bool
) -> None:
    from churn_platform.connect.connect import connect_operator
    from churn_platform.connect.spec_text import could_not_place
    from churn_platform.sources.open_source import Resources

    made = connect_operator(
        name,
        sources,
        portfolios_dir=settings.portfolios_dir,
        resources=Resources.of(settings),
        timezone=timezone,
        overwrite=overwrite,
    )
    for guess in made.guesses.tables:
        where = f"{guess.source.place} of {guess.source.source}"
        console.print(f"{guess.table.name:<16}{guess.confidence:>5.0%}  {where}")
        for column in guess.columns:
            wanted = column.column.name
            there = column.source.name if column.source else "the same value for all"
            console.print(f"  {wanted:<22}{column.fit.confidence:>5.0%}  {there}")
        for said in could_not_place(guess):
            console.print(f"  {said}")

    if made.portfolio.left_out:
        console.print(f"\nleft out        {made.portfolio.left_out}")
    console.print(f"\nspec            {made.path}  (read it, correct it)")
    console.print(f"then            churn connect {name} --check YYYY-MM")


def _check(settings: Settings, name: str, month: str) -> None:
    from churn_platform.connect.trial import try_month
    from churn_platform.months import today_in
    from churn_platform.portfolios.places import spec_path
    from churn_platform.sources.open_source import Resources
    from churn_platform.warehouse.lake import Lake

    spec = portfolio_named(settings, name)
    chosen = read_month(month)
    if not spec.read_tables:
        raise ChurnError(f"{name} reads no table from a source; its files are landed by people")

    tables = try_month(
        spec,
        chosen,
        lake=Lake.of(settings),
        resources=Resources.of(settings),
        spec_file=spec_path(settings.portfolios_dir, name),
        today=today_in(spec.timezone, datetime.now(UTC)),
    )
    failed = []
    for tried in tables:
        # To the end, so that a person corrects all tables at once.
        if tried.problem:
            failed.append(tried.table)
            console.print(f"{tried.table:<16}wrong\n  {tried.problem}")
            continue
        console.print(f"{tried.table:<16}{tried.rows:>12,} rows keep the contract")
        if tried.set_aside:
            console.print(f"  {tried.set_aside:,} rows cannot be read, and are left out")
        for position, header in enumerate(tried.columns):
            values = [row[position] for row in tried.examples]
            shown = " | ".join(values)
            console.print(f"  {header:<22}{shown}")

    if failed:
        names = ", ".join(failed)
        raise ChurnError(f"{month} cannot be read as it is: {names}; correct the spec")
    console.print(f"\nnothing was kept; then  churn run {name} --from {month} --to {month}")
