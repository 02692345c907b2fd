"""Commands that make or look at data: simulate, onboard, dbt."""

from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from churn_platform import months
from churn_platform.cli.app import (
    PortfolioName,
    app,
    audit_log,
    console,
    portfolio_named,
    read_month,
)
from churn_platform.errors import ChurnError, SettingsError
from churn_platform.settings import Settings, load_settings


@app.command()
def simulate(
    customers: Annotated[int, typer.Option(help="Active customers.")] = 20_000,
    month_count: Annotated[int, typer.Option("--months", help="Months to write.")] = 18,
    first_month: Annotated[
        str | None,
        typer.Option(
            help="First month as YYYY-MM; default the first simulated already, else 2025-01."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    scenario: Annotated[
        str, typer.Option(help="none, price_rise, competitor, harmless_mix or broken_feed.")
    ] = "none",
    scenario_month: Annotated[
        str | None, typer.Option(help="Month from which the scenario acts; default the last.")
    ] = None,
    calls_per_customer: Annotated[
        float, typer.Option(help="Mean call records per customer and month.")
    ] = 50,
    campaign: Annotated[
        bool, typer.Option(help="Customers on exported contact lists are contacted.")
    ] = False,
    write_from: Annotated[
        str | None, typer.Option(help="Month as YYYY-MM; files of earlier months stay as they are.")
    ] = None,
) -> None:
    """Write the landing files of a simulated operator, and apart from them its true churn
    probabilities.
    """
    from pydantic import ValidationError

    from churn_platform.ingest.shared_landing import send_landed
    from churn_platform.simulator import CAMPAIGN, SimulationConfig, nobody, plans_from, simulate

    settings = load_settings()
    begin = read_month(first_month) if first_month else first_simulated(settings)
    try:
        config = SimulationConfig(
            customers=customers,
            months=month_count,
            first_month=begin or settings.first_month,
            seed=seed,
            scenario=scenario,  # type: ignore[arg-type]
            scenario_month=read_month(scenario_month) if scenario_month else None,
            calls_per_customer=calls_per_customer,
        )
    except ValidationError as error:
        wrong = []
        for item in error.errors():
            wrong.append(f"--{_option(item['loc'])} {item['input']}: {item['msg']}")

        raise SettingsError(f"simulation not possible: {'; '.join(wrong)}") from error

    first_written, last_month = (
        read_month(write_from) if write_from else None,
        config.month_starts()[-1],
    )
    if first_written and first_written > last_month:
        raise SettingsError(
            f"--write-from {write_from} is after the last month, {months.label(last_month)}"
        )

    lists, contacts = (
        settings.exports_dir / "telecomit" / "contact_list",
        settings.landing_dir / "telecomit" / CAMPAIGN,
    )
    with console.status("simulating") as status:
        simulate(
            config,
            settings.landing_dir,
            settings.truth_dir / "telecomit",
            on_progress=lambda month: status.update(f"simulated {month}"),
            write_from=first_written,
            plans=plans_from(lists, contacts, write_from=first_written) if campaign else nobody,
        )

    send_landed(settings.shared("landing"), settings.landing_dir, "telecomit")
    console.print(
        f"{customers:,} customers, {month_count} months: {settings.landing_dir / 'telecomit'}"
    )


def first_simulated(settings: Settings) -> date | None:
    """The first month of the operator whose files and truth are here; None if there is none.

    A world that begins in another month is another world.
    """
    from churn_platform.ingest.landed_files import landed_files

    if not (settings.truth_dir / "telecomit").is_dir():
        return None
    landed = landed_files(settings.landing_dir / "telecomit" / "customers")
    return next(iter(landed), None)


def _option(location: tuple[int | str, ...]) -> str:
    return str(location[0]).replace("_", "-")


@app.command()
def onboard(
    file: Annotated[
        Path,
        # Not checked by typer, whose refusal would name no next command.
        typer.Argument(
            readable=False,
            help="A customer snapshot: CSV, TSV, text, Excel or Parquet; a row each.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the new portfolio, a lower-case identifier.")],
    id_column: Annotated[str, typer.Option("--id", help="Column with the customer id.")],
    label_column: Annotated[str, typer.Option("--label", help="Column that says who churned.")],
    protected: Annotated[
        list[str] | None, typer.Option(help="Column to watch for fairness; repeatable.")
    ] = None,
    positive: Annotated[
        list[str] | None, typer.Option(help="Value of the label for churned; repeatable.")
    ] = None,
    negative: Annotated[
        list[str] | None, typer.Option(help="Value of the label for stayed; repeatable.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Value of the label that says nothing; repeatable.")
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Sign before decimals: . or ,")] = None,
    thousands: Annotated[str | None, typer.Option(help="Sign between thousands.")] = None,
    date_order: Annotated[str | None, typer.Option(help="day-first or month-first.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of the text, such as cp1252.")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="Sign between fields; `tab` for a tab.")
    ] = None,
    skip: Annotated[
        int | None, typer.Option(min=0, help="Lines above the line of headers.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an Excel workbook.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a spec of that name.")] = False,
) -> None:
    """Inspect a customer snapshot and write its spec; the new portfolio then runs through the same
    graph.
    """
    from churn_platform.onboarding import onboard
    from churn_platform.onboarding.asked import OnboardingArguments, with_layout
    from churn_platform.onboarding.label import Given
    from churn_platform.onboarding.understanding import Hints

    settings = load_settings()
    asked = OnboardingArguments(
        *(file, name, id_column, label_column, tuple(protected or ()), overwrite),
        label=Given(tuple(positive or ()), tuple(negative or ()), tuple(ignore or ())),
        hints=Hints(decimal, thousands, date_order),
    )
    written = {"encoding": encoding, "separator": separator, "skip": skip, "sheet": sheet}
    made = onboard(
        file,
        name=name,
        id_column=id_column,
        label_column=label_column,
        portfolios_dir=settings.portfolios_dir,
        protected=asked.protected,
        overwrite=overwrite,
        label=asked.label,
        hints=asked.hints,
        layout=with_layout(asked, written),
        extension_dir=settings.extension_dir,
    )
    console.print(
        f"{made.rows:,} customers, {made.churn_rate:.1%} churned, "
        f"{len(made.portfolio.features)} features"
    )
    console.print(f"the data are    {made.verdict}")

    for finding in made.findings:
        console.print(f"- {finding}")

    console.print(f"\nspec            {made.path}  (read it, correct it)")
    console.print(f"then            churn run {name} --file {file}")


@app.command()
def accept_data(
    portfolio: PortfolioName,
    month: Annotated[str, typer.Option(help="Month as YYYY-MM.")],
    reason: Annotated[
        str,
        typer.Option(help="Why the files are right, for the audit trail; without personal data."),
    ],
) -> None:
    """Take a month whose data contract is broken as it is: it blocks no more, and later months are
    judged by it.
    """
    from churn_platform.audit.anchors import note_head
    from churn_platform.data_contract.profile_tables import accept_month
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.ingest.landing_folder import mark_delivered
    from churn_platform.ingest.shared_landing import send_landed
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec, chosen, lake = portfolio_named(settings, portfolio), read_month(month), Lake.of(settings)
    # MLflow must answer before anything is accepted: the head of the trail is noted there.
    trail, client = audit_log(settings), Tracking.of(settings).answering_client(make=True)

    def record(overruled: list[str]) -> None:
        subject, details = f"month {months.label(chosen)}", {"complaints": overruled}
        accepted = trail.append(
            "data_acceptance",
            portfolio=portfolio,
            subject=subject,
            reason=reason,
            details=details,
        )
        note_head(client, accepted)

    with closing(connect(lake)) as connection:
        overruled = accept_month(connection, lake, spec, chosen, reason, record=record)

    for complaint in overruled:
        console.print(f"accepted        {complaint}")

    # The sensor sees a month by the times of its files, so a touch makes it look again.
    mark_delivered(settings.landing_dir, spec, chosen)
    send_landed(settings.shared("landing"), settings.landing_dir, portfolio)
    console.print(
        f"The landing sensor takes {month} in again; by hand: "
        f"run the job {portfolio}_features for it."
    )


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def dbt(
    context: typer.Context,
    portfolio: Annotated[str, typer.Option(help="Portfolio of event tables.")] = "telecomit",
) -> None:
    """Run dbt on the warehouse, for example `churn dbt build --select customer_months`; waits for
    other writers.
    """
    from churn_platform.graph.dbt import run_dbt

    if all(argument.startswith("-") for argument in context.args):
        raise ChurnError(
            "no dbt command given; give one with its options, for example `churn dbt build --help`"
        )

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    if spec.kind != "events":
        raise ChurnError(f"{portfolio} has no event tables, and no dbt models")
    raise typer.Exit(run_dbt(spec, settings, context.args))
