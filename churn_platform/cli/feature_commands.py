"""Commands on the features of a portfolio: try one's own, see which months have which, and fill
older months.
"""

from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from churn_platform.cli.app import PortfolioName, app, console, portfolio_named, read_month
from churn_platform.errors import ChurnError
from churn_platform.months import label, months_between
from churn_platform.settings import load_settings

features = typer.Typer(
    help="An operator's own features: check, months, backfill.", no_args_is_help=True
)
app.add_typer(features, name="features")


@features.command()
def check(
    portfolio: PortfolioName,
    month: Annotated[
        str | None, typer.Option(help="Month to try them on, as YYYY-MM; default the newest.")
    ] = None,
) -> None:
    """Test the features beside the spec on a month of the lake, before the graph builds them; exit
    code 1 if one is wrong.
    """
    from churn_platform.graph.dbt_project import dbt_project_dir
    from churn_platform.own_features.checks import check_features, newest_month
    from churn_platform.portfolios.dbt_variables import calendar_and_label
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    if not spec.own_sql:
        raise ChurnError(
            f"{portfolio} has no features of its own; put NAME.sql and NAME.yaml into "
            f"{settings.portfolios_dir / portfolio / 'features'}"
        )
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        chosen = read_month(month) if month else newest_month(connection, spec)
        found = check_features(
            connection,
            spec,
            chosen,
            project=dbt_project_dir(),
            variables=calendar_and_label(spec),
        )

    table = Table("feature", "customers", "missing", "lowest", "highest", "result")
    for it in found:
        shown = (f"{it.customers:,}", f"{it.missing:,}", str(it.lowest), str(it.highest))
        table.add_row(it.feature, *shown, "wrong" if it.wrong else "well")
    console.print(f"on {label(chosen)}")
    console.print(table)
    is_wrong = False
    for it in found:
        for words in it.wrong:
            is_wrong = True
            console.print(f"{it.feature}: {words}", markup=False, soft_wrap=True)
    raise typer.Exit(1 if is_wrong else 0)


@features.command()
def months(portfolio: PortfolioName) -> None:
    """Show which months were built without which features of the catalogue."""
    from churn_platform.own_features.feature_months import known_features
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        known = known_features(connection, portfolio)

    if not known:
        console.print(f"{portfolio} has no month that was built with this version of the code")
    # Months in a row that lack the same are one line.
    lacks = []
    for built in sorted(known):
        missing = [name for name in spec.feature_names if name not in known[built]]
        lacks.append((built, ", ".join(missing)))
    for missing, group in groupby(lacks, key=lambda pair: pair[1]):
        listed = [built for built, _ in group]
        told = f"without {missing}" if missing else "every feature of the catalogue"
        console.print(
            f"{label(listed[0])} to {label(listed[-1])}  {told}", markup=False, soft_wrap=True
        )


@features.command()
def backfill(
    portfolio: PortfolioName,
    feature: Annotated[str, typer.Option(help="Feature that older months lack.")],
) -> None:
    """Build a feature in the months that were built without it, in one run."""
    from churn_platform.own_features.backfill import months_without, tables_to_build
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        missing = months_without(connection, spec, feature)
    if not missing:
        console.print(f"every month of {portfolio} has {feature}")
        return

    from churn_platform.definitions import build_defs  # seconds, not spent on a mistake above
    from churn_platform.graph.groups import group_of
    from churn_platform.graph.runs import dagster_instance, materialize_tables, tables_of_group

    first, last = missing[0], missing[-1]
    # A run is a range: a month in between that has the feature is built again, to the same rows.
    count = months_between(first, last) + 1
    console.print(f"{feature}: {label(first)} to {label(last)}, {count} months")
    defs = build_defs()
    built = tables_to_build(spec, feature) or tables_of_group(defs, group_of(portfolio, "features"))
    materialize_tables(
        defs,
        dagster_instance(Path.cwd()),
        built,
        (first, last),
        log=settings.root / "logs" / "features_backfill.log",
        show=console.print,
    )
