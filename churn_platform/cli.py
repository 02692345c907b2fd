"""The command `churn`: reads arguments, the clock and the settings, calls one function, prints."""

import sys
import time
import warnings
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from churn_platform import months
from churn_platform.errors import ChurnError, SettingsError
from churn_platform.settings import Settings, load_settings

app = typer.Typer(
    help="Monthly churn scores from raw operator tables.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(file=sys.stdout, highlight=False, soft_wrap=True)

MonthText = Annotated[str, typer.Option(help="Month as YYYY-MM.")]
SCORED_MONTHS = 3


def main() -> None:
    """Run the command; an error that the platform raises on purpose ends in one line and exit code 1."""
    warnings.simplefilter("ignore")
    try:
        app()
    except ChurnError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"[bold red]error[/] {error}", markup=True)
        sys.exit(1)


@app.command()
def simulate(
    customers: Annotated[int, typer.Option(help="Active customers.")] = 20_000,
    month_count: Annotated[int, typer.Option("--months", help="Months to write.")] = 18,
    first_month: MonthText = "2025-01",
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    scenario: Annotated[str, typer.Option(help="none, price_rise, competitor, harmless_mix or broken_feed.")] = "none",
    scenario_month: Annotated[
        str | None, typer.Option(help="Month from which the scenario acts; default the last.")
    ] = None,
    calls_per_customer: Annotated[float, typer.Option(help="Mean call records per customer and month.")] = 50,
) -> None:
    """Write the landing files of a simulated operator, and apart from them its true churn probabilities."""
    from pydantic import ValidationError

    from churn_platform.simulator import SimulationConfig, simulate

    settings = load_settings()
    try:
        config = SimulationConfig(
            customers=customers,
            months=month_count,
            first_month=_month(first_month),
            seed=seed,
            scenario=scenario,  # type: ignore[arg-type]
            scenario_month=_month(scenario_month) if scenario_month else None,
            calls_per_customer=calls_per_customer,
        )
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"simulation not possible: {wrong}") from error
    with console.status("simulating") as status:
        simulate(
            config,
            settings.landing_dir,
            settings.truth_dir / "telecomit",
            on_progress=lambda month: status.update(f"simulated {month}"),
        )
    console.print(f"{customers:,} customers, {month_count} months: {settings.landing_dir / 'telecomit'}")


@app.command()
def run(
    portfolio: Annotated[str, typer.Argument(help="Name of the portfolio.")],
    file: Annotated[Path | None, typer.Option(help="Snapshot to land first, for the last month.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First month; default the first landed.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last month; default the last landed.")] = None,
) -> None:
    """Run the whole graph: features of every landed month, training on them, scores of the newest, publication."""
    _run_graph(load_settings(), portfolio, file=file, first=first, last=last)


@app.command()
def onboard(
    file: Annotated[Path, typer.Argument(help="A customer snapshot: CSV, CSV.GZ or Parquet, one row per customer.")],
    name: Annotated[str, typer.Option(help="Name of the new portfolio, a lower-case identifier.")],
    id_column: Annotated[str, typer.Option("--id", help="Column with the customer id.")],
    label_column: Annotated[str, typer.Option("--label", help="Column that says who churned.")],
    protected: Annotated[list[str] | None, typer.Option(help="Column to watch for fairness; repeatable.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a spec of that name.")] = False,
) -> None:
    """Inspect a customer snapshot and write its spec; the new portfolio then runs through the same graph."""
    from churn_platform.portfolios.onboarding import onboard

    made = onboard(
        file,
        name=name,
        id_column=id_column,
        label_column=label_column,
        portfolios_dir=load_settings().portfolios_dir,
        protected=protected or (),
        overwrite=overwrite,
    )
    console.print(f"{made.rows:,} customers, {made.churn_rate:.1%} churned, {len(made.portfolio.features)} features")
    for finding in made.findings:
        console.print(f"- {finding}", markup=False)
    console.print(f"\nspec            {made.path}  (read it, correct it)", markup=False)
    console.print(f"then            churn run {name} --file {file}", markup=False)


@app.command()
def demo(
    customers: Annotated[int, typer.Option(help="Customers of the simulated operator.")] = 20_000,
    month_count: Annotated[int, typer.Option("--months", help="Months of its history.")] = 18,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
) -> None:
    """Simulate an operator and run the whole graph on it."""
    begun = time.monotonic()
    settings = load_settings()
    console.rule("simulate", align="left")
    simulate(customers=customers, month_count=month_count, first_month=f"{settings.first_month:%Y-%m}", seed=seed)
    last = months.label(months.shift(settings.first_month, month_count - 1))
    _run_graph(settings, "telecomit", file=None, first=f"{settings.first_month:%Y-%m}", last=last)
    console.print(f"took            {time.monotonic() - begun:.0f} s")


@app.command()
def demo_telco(csv: Annotated[Path, typer.Option(help="The IBM Telco file.")]) -> None:
    """Run the whole graph on the public IBM Telco file, and cross-validate the candidates beside its reference."""
    settings = load_settings()
    _run_graph(settings, "ibm_telco", file=csv, first=None, last=None)
    cross_validate("ibm_telco")


@app.command()
def cross_validate(portfolio: Annotated[str, typer.Argument(help="Name of the portfolio.")]) -> None:
    """AUC of each candidate over 5 folds of the newest labelled month."""
    from churn_platform.evaluation.cross_validation import cross_validated_auc
    from churn_platform.training.data import load_labelled, matured_months
    from churn_platform.warehouse.lake import Lake, connect
    from churn_platform.warehouse.tables import current_snapshot

    settings = load_settings()
    spec = _portfolio(settings, portfolio)
    with connect(Lake.of(settings), read_only=True) as connection:
        matured = matured_months(connection, spec, date.max)
        if not matured:
            raise ChurnError(f"{portfolio} has no labels; run `churn run {portfolio}` first")
        newest = matured[-1].features_month
        customers = load_labelled(connection, spec, newest, snapshot=current_snapshot(connection))
    console.print(f"\n5-fold AUC on {len(customers):,} customers of {months.label(newest)}, folds fixed, untuned")
    for algorithm in spec.candidates:
        auc = cross_validated_auc(spec, algorithm, customers, threads=settings.model_threads)
        console.print(f"  {algorithm:<22}{auc.mean():.4f} +- {auc.std(ddof=1):.4f}")


@app.command()
def result(portfolio: Annotated[str, typer.Argument(help="Name of the portfolio.")]) -> None:
    """Print the champion, its hold-out metrics and the customers at highest risk."""
    from churn_platform.report import as_text, read_result
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = _portfolio(settings, portfolio)
    with connect(Lake.of(settings), read_only=True) as connection:
        found = read_result(connection, spec, settings.published_dir, settings.truth_dir)
    console.rule("result", align="left")
    console.print(as_text(spec, found, settings.published_dir), markup=False)
    console.print(f"warehouse       ducklake:{settings.lake_catalog}", markup=False)
    console.print("UI              make dev")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def dbt(context: typer.Context) -> None:
    """Run dbt on the warehouse, for example `churn dbt build --select customer_months`; waits for other writers."""
    from churn_platform.warehouse.dbt import run_dbt
    from churn_platform.warehouse.lake import Lake

    settings = load_settings()
    raise typer.Exit(run_dbt(Lake.of(settings), settings.root / "dbt_by_hand", context.args))


def _run_graph(settings: Settings, portfolio: str, *, file: Path | None, first: str | None, last: str | None) -> None:
    from churn_platform.definitions import build_defs
    from churn_platform.ingest.landing import land_file
    from churn_platform.runs import dagster_instance, run_job

    spec = _portfolio(settings, portfolio)
    if file:
        month = _month(last) if last else months.last_complete_month(datetime.now(UTC).date())
        land_file(file, settings.landing_dir, portfolio, spec.landed_tables[0].name, month)
        first = last = months.label(month)
    landed = months.landed(settings.landing_dir / portfolio / spec.landed_tables[0].name)
    begin, end = _month(first) if first else landed[0], _month(last) if last else landed[-1]
    instance, defs = dagster_instance(Path.cwd()), build_defs()
    newest = max(begin, months.shift(end, 1 - SCORED_MONTHS))
    for stage, stage_begin in (("features", begin), ("training", end), ("scores", newest)):
        console.rule(f"{stage}: {months.label(stage_begin)} to {months.label(end)}", align="left")
        log = settings.root / "logs" / f"{portfolio}_{stage}.log"
        run_job(defs, instance, f"{portfolio}_{stage}", stage_begin, end, log=log, show=console.print)
    result(portfolio)


def _portfolio(settings: Settings, name: str):
    from churn_platform.portfolios.registry import load_portfolios

    known = load_portfolios(settings.portfolios_dir)
    if name not in known:
        raise ChurnError(f"no portfolio {name!r}; there are {', '.join(known)}, and `churn onboard` makes more")
    return known[name]


def _month(text: str) -> date:
    try:
        return months.parse_month(text)
    except ValueError as error:
        raise ChurnError(f"{text!r} is not a month; write YYYY-MM, for example 2026-01") from error


if __name__ == "__main__":
    main()
