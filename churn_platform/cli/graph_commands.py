"""Commands that run the graph on a portfolio, and show what came out."""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from churn_platform import months
from churn_platform.cli.app import (
    PortfolioName,
    app,
    console,
    portfolio_named,
    read_month,
    require_partitions,
)
from churn_platform.cli.data_commands import first_simulated, simulate
from churn_platform.errors import ChurnError
from churn_platform.portfolios.chosen_candidates import require_candidates
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings

# As many months as housekeeping keeps published look-ups of.
SCORED_MONTHS = 3
Candidates = Annotated[
    list[str] | None,
    typer.Option("--candidate", help="Train this one alone; may be given several times."),
]


@app.command()
def run(
    portfolio: PortfolioName,
    file: Annotated[
        Path | None, typer.Option(help="Snapshot to land first, for the last month.")
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", help="First month; default the first landed.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last month; default the last landed.")
    ] = None,
    candidate: Candidates = None,
) -> None:
    """Run the whole graph: features of every month, training, scores of the newest three,
    publication, drift of all.
    """
    settings = load_settings()
    require_candidates(portfolio_named(settings, portfolio), candidate or [])
    if file:
        begin = end = _landed_snapshot(settings, portfolio, file, last)
    else:
        begin, end = _landed_range(settings, portfolio_named(settings, portfolio), first, last)
        require_partitions(settings, begin, end)

    scored = _newest(begin, end)
    runner = _Runner(settings, candidate)
    _run_graph(runner, settings, portfolio, begin, end, scored=scored, watched=begin)
    result(portfolio)


@app.command()
def demo(
    customers: Annotated[int, typer.Option(help="Customers of the simulated operator.")] = 20_000,
    month_count: Annotated[int, typer.Option("--months", help="Months of its history.")] = 18,
    until: Annotated[
        str | None,
        typer.Option(help="Last month as YYYY-MM, default the last complete one of the calendar."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 7,
) -> None:
    """Simulate an operator and run the graph on it: published scores, monitoring and costs.

    In a data folder that has simulated months already it goes on from the first of them.
    """
    from churn_platform.graph.jobs import HOUSEKEEPING

    begun = time.monotonic()
    settings = load_settings()
    # Up to where the calendar is: "Latest" in the UI then has data, and nothing is overdue.
    end = read_month(until) if until else months.last_complete_month(datetime.now(UTC).date())
    begin = first_simulated(settings) or months.shift(end, 1 - month_count)
    if begin > end:
        raise ChurnError(
            f"--until {months.label(end)} is before the first simulated month of "
            f"{settings.landing_dir}, {months.label(begin)}; give a later month, or another folder "
            "by CHURN_DATA_DIR"
        )

    require_partitions(settings, begin, end)
    console.rule("simulate", align="left")
    simulate(
        customers=customers,
        month_count=months.months_between(begin, end) + 1,
        first_month=months.label(begin),
        seed=seed,
    )
    runner, watched = _Runner(settings), _newest(begin, end)
    # A month's outcomes judge the scores of a month before, which the first watched one needs too.
    gap = portfolio_named(settings, "telecomit").label.gap_months
    scored = max(begin, months.shift(watched, -1 - gap))
    _run_graph(runner, settings, "telecomit", begin, end, scored=scored, watched=watched)
    runner.run(HOUSEKEEPING, begin, end)
    result("telecomit")
    console.print(f"took            {time.monotonic() - begun:.0f} s")


@app.command()
def demo_telco(
    csv: Annotated[Path, typer.Option(help="The IBM Telco file.")], candidate: Candidates = None
) -> None:
    """Run the graph on the public IBM Telco file, and cross-validate the candidates beside its
    reference.
    """
    settings = load_settings()
    require_candidates(portfolio_named(settings, "ibm_telco"), candidate or [])
    month = _landed_snapshot(settings, "ibm_telco", csv, None)
    runner = _Runner(settings, candidate)
    _run_graph(runner, settings, "ibm_telco", month, month, scored=month)
    result("ibm_telco")
    cross_validate("ibm_telco")


@app.command()
def cross_validate(portfolio: PortfolioName) -> None:
    """AUC over 5 folds of the newest labelled month, of each candidate and of the champion: the one
    chosen without the fold.
    """
    from churn_platform.training.cross_validation import cross_validated_aucs, mean_interval
    from churn_platform.training.training_data import load_labelled, matured_months
    from churn_platform.training.tune import Budget
    from churn_platform.warehouse.lake import Lake, connect
    from churn_platform.warehouse.tables import current_snapshot

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    with connect(Lake.of(settings), read_only=True) as connection:
        matured = matured_months(connection, spec, date.max)
        if not matured:
            raise ChurnError(f"{portfolio} has no labels; run `churn run {portfolio}` first")

        newest = matured[-1].features_month
        snapshot = current_snapshot(connection)
        labelled = load_labelled(connection, spec, newest, snapshot=snapshot)

    customers = labelled.untouched
    told = f"{len(customers):,} customers of {months.label(newest)}"

    means = "default parameters"
    if settings.tuning_trials:
        means = f"{settings.tuning_trials} trials inside each"

    console.print(
        f"\n5-fold AUC on {told}, folds fixed, {means}: mean, deviation, 95 % interval of the mean"
    )
    budget = Budget(
        settings.tuning_trials,
        settings.tuning_seconds,
        settings.tuning_rows_max,
    )
    aucs = cross_validated_aucs(spec, customers, budget=budget, threads=settings.model_threads)
    for name, auc in aucs.items():
        low, high = mean_interval(auc)
        console.print(
            f"  {name:<22}{auc.mean():.4f} +- {auc.std(ddof=1):.4f}   {low:.4f} to {high:.4f}"
        )


@app.command()
def result(portfolio: PortfolioName) -> None:
    """Print the champion, its hold-out metrics and the customers at highest risk."""
    from churn_platform.bundles.shared_portfolio import live_now
    from churn_platform.cli.result import as_text, read_result
    from churn_platform.costs.cost_table import cost_of
    from churn_platform.costs.price import in_words
    from churn_platform.warehouse.damage import require_sound
    from churn_platform.warehouse.lake import Lake, connect

    settings = load_settings()
    spec = portfolio_named(settings, portfolio)
    lake = Lake.of(settings)
    live = live_now(settings, portfolio)
    with connect(lake, read_only=True) as connection:
        if live is not None and live.features_month is not None:
            shown = [f"{portfolio}.{table}" for table in ("monthly_scores", "contact_list")]
            require_sound(connection, lake, shown, months.parse_month(live.features_month))

        found = read_result(connection, spec, settings.published_dir, settings.truth_dir)

    console.rule("result", align="left")
    console.print(as_text(spec, found, settings.published_dir))
    cost = cost_of(settings, months.parse_month(found.scores_month))
    console.print(f"infrastructure  {in_words(cost)}")
    console.print(f"warehouse       ducklake:{settings.lake_catalog}")
    console.print("UI              make dev")


def _landed_snapshot(settings: Settings, portfolio: str, file: Path, last: str | None) -> date:
    """The month as which a snapshot file was landed: the one asked for, else the newest."""
    from churn_platform.ingest.landing_folder import land_file
    from churn_platform.ingest.shared_landing import send_landed

    spec = portfolio_named(settings, portfolio)
    month = read_month(last) if last else months.last_complete_month(datetime.now(UTC).date())
    require_partitions(settings, month, month)
    land_file(file, settings.landing_dir, portfolio, spec.landed_tables[0].name, month)
    send_landed(settings.shared("landing"), settings.landing_dir, portfolio)
    return month


def _newest(begin: date, end: date) -> date:
    """The first of the newest months, those that are scored."""
    return max(begin, months.shift(end, 1 - SCORED_MONTHS))


class _Runner:
    """Runs jobs of the graph in this process, and shows how far they are."""

    def __init__(self, settings: Settings, candidates: list[str] | None = None):
        # Seconds, which a mistake before need not cost.
        from churn_platform.definitions import build_defs
        from churn_platform.graph.clock import forget_future_looks
        from churn_platform.graph.runs import dagster_instance

        self.logs = settings.root / "logs"
        self.instance = dagster_instance(Path.cwd())
        forget_future_looks(self.instance, datetime.now(UTC))
        # Without any, what the environment says counts.
        self.chosen = {"candidates": ",".join(candidates)} if candidates else {}
        self.defs = build_defs(**self.chosen)

    def run(
        self, job: str, begin: date, end: date, *, tags: Mapping[str, str] | None = None
    ) -> None:
        """Run a job over a range of months; ChurnError if a step fails."""
        from churn_platform.graph.runs import run_job

        stage = job.rpartition("_")[2]
        console.rule(f"{stage}: {months.label(begin)} to {months.label(end)}", align="left")
        log = self.logs / f"{job}.log"
        run_job(
            self.defs,
            self.instance,
            job,
            begin,
            end,
            log=log,
            show=console.print,
            tags=tags,
            overrides=self.chosen,
        )


def _run_graph(
    runner: _Runner,
    settings: Settings,
    portfolio: str,
    begin: date,
    end: date,
    *,
    scored: date,
    watched: date | None = None,
) -> None:
    """Every stage of a portfolio; scores from the month `scored` on, monitoring from `watched`."""
    from churn_platform.graph.landed_tag import landed_tag
    from churn_platform.ingest.landed_months import landed_months

    spec = portfolio_named(settings, portfolio)
    # A daemon that watches the same folder leaves to this run what has landed by now.
    tags = {"features": landed_tag(landed_months(settings.landing_dir, spec), begin, end)}
    # A run for each stage: each has another range of months.
    stages = [("features", begin), ("training", end), ("scores", scored)]
    if watched:
        # The service's answers first: monitoring reads them.
        stages += [("serving", watched), ("monitoring", watched)]

    for stage, stage_begin in stages:
        if stage == "training":
            console.print(f"the data are    {_data_verdict(settings, spec)}")

        try:
            runner.run(f"{portfolio}_{stage}", stage_begin, end, tags=tags.get(stage))
        except ChurnError:
            told = _refusal_of_the_first(settings, spec, end) if stage == "training" else None
            if told is None:
                raise
            console.print(told, markup=False, soft_wrap=True)
            raise typer.Exit(1) from None


def _refusal_of_the_first(settings: Settings, spec: Portfolio, month: date) -> str | None:
    """What to tell if the month's training made a first model that may not serve; else None."""
    from churn_platform.promotion.evaluation_table import read_evaluation
    from churn_platform.promotion.refusal import is_refused_first, refusal_text
    from churn_platform.warehouse.lake import Lake, connect

    with connect(Lake.of(settings), read_only=True) as connection:
        row = read_evaluation(connection, spec, month)

    if row is None or not is_refused_first(row):
        return None

    return refusal_text(spec, row, settings.portfolios_dir / f"{spec.name}.yaml")


def _data_verdict(settings: Settings, spec: Portfolio) -> str:
    """Whether the labelled customers are enough, before anything is trained on them."""
    from churn_platform.metrics.enough_data import judge_data
    from churn_platform.training.training_data import matured_months
    from churn_platform.warehouse.lake import Lake, connect

    with connect(Lake.of(settings), read_only=True) as connection:
        matured = matured_months(connection, spec, date.max)

    if not matured:
        return "not enough: no month has a label yet"

    newest = matured[-1]
    # Where months are split, not rows, the newest month is held out whole.
    share = spec.split.holdout_share if spec.split.policy == "stratified" else 1.0
    stayed = newest.customers - newest.churned
    return str(
        judge_data(
            churned=newest.churned,
            stayed=stayed,
            holdout_share=share,
        )
    )


def _landed_range(
    settings: Settings, spec: Portfolio, first: str | None, last: str | None
) -> tuple[date, date]:
    """The months asked for, else those that have landed; files that are not read are told."""
    from churn_platform.ingest.landing_folder import begun_months, misnamed
    from churn_platform.ingest.shared_landing import fetch_landed

    fetch_landed(settings.shared("landing"), settings.landing_dir, spec.name)

    if told := misnamed(settings.landing_dir, spec):
        console.print(told)

    begin, end = (read_month(text) if text else None for text in (first, last))
    # What is read from a source need not have landed before.
    landed = [] if spec.read_tables and begin and end else begun_months(settings.landing_dir, spec)
    begin, end = begin or landed[0], end or landed[-1]
    if begin > end:
        there = ""
        if landed:
            there = f"; landed are {months.label(landed[0])} to {months.label(landed[-1])}"
        raise ChurnError(f"--from {months.label(begin)} is after --to {months.label(end)}{there}")

    return begin, end
