"""Commands on experiments: `churn experiment plan`, `start`, `advance` and what ends one."""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from churn_platform.cli.app import app, console, portfolio_named
from churn_platform.cli.models_commands import Reason, publisher_of
from churn_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from churn_platform.experiments.ladder import Progress
    from churn_platform.experiments.spec import ExperimentSpec
    from churn_platform.experiments.state import ExperimentState
    from churn_platform.promotion.publication import Publisher

experiment = typer.Typer(
    help="Whether a challenger is safe, better, and earns more.", no_args_is_help=True
)
app.add_typer(experiment, name="experiment")
Name = Annotated[str, typer.Argument(help="Name of the experiment, that of its YAML file.")]


@experiment.command()
def plan(name: Name) -> None:
    """Say what the experiment needs, before anything starts: customers, months, and its power."""
    from churn_platform.experiments.moves import versions_of
    from churn_platform.experiments.past_spread import plan_of

    publisher, spec = _open(load_settings(), name)
    versions = versions_of(publisher, spec)
    planned = plan_of(publisher, spec, versions)
    control, challenger = versions
    _print_rows(
        [
            ("question", spec.question),
            ("versions", f"{control} (control), {challenger} (challenger)"),
            *planned.as_rows(spec),
            ("steps", _steps(spec)),
            ("spec", spec.sha256[:12]),
        ]
    )
    if planned.months is None:
        console.print(
            f"not enough: raise most_months or smallest_effect in {spec.name}.yaml, or expect to "
            "learn less"
        )


@experiment.command()
def start(name: Name, reason: Reason) -> None:
    """Freeze the spec, put it on record, and begin with its first step, in shadow."""
    from churn_platform.experiments.moves import start as begin

    publisher, spec = _open(load_settings(), name)
    _tell(begin(publisher, spec, reason=reason))


@experiment.command()
def status(name: Name) -> None:
    """Say where it stands, what the next step lacks, and what its outcomes say so far."""
    from churn_platform.experiments.ladder import obstacles
    from churn_platform.experiments.state import read_state

    settings = load_settings()
    publisher, spec = _open(settings, name)
    state = read_state(publisher.audit.records(), name)
    if state is None:
        console.print(f"experiment {name} was not started; `churn experiment plan {name}` first")
        return

    _tell(state)
    progress = _progress(settings, publisher, state)
    if state.is_running:
        following = state.spec.step_after(state.step.name)
        next_step = following.name if following else "none: ship or stop"
        console.print(f"next step       {next_step}")
        # As if it were not approved, so that a step which needs it says so.
        lacking = obstacles(
            state,
            progress,
            now=publisher.audit.now(),
            approves=False,
        )
        for each in lacking:
            console.print(f"  first         {each}")

    outcome = _outcome(publisher, state)
    verdict = outcome["verdict"] if outcome else "none has matured yet"
    console.print(f"outcome         {verdict}")
    # Said, not refused: `status` only reads, and the started spec is what counts.
    if spec.sha256 != state.spec.sha256:
        console.print(f"the file differs from what was started ({state.spec.sha256[:12]})")


@experiment.command()
def advance(
    name: Name,
    reason: Reason,
    approve: Annotated[
        bool, typer.Option(help="Approve that a step which needs it begins.")
    ] = False,
) -> None:
    """Begin the next step, once its hours, customers and approval are there."""
    from churn_platform.experiments.moves import advance as climb
    from churn_platform.experiments.moves import running

    settings = load_settings()
    publisher, spec = _open(settings, name)
    state = running(publisher, spec)
    progress = _progress(settings, publisher, state)
    moved = climb(
        publisher,
        spec,
        progress,
        reason=reason,
        approves=approve,
    )
    _tell(moved)


@experiment.command()
def pause(name: Name, reason: Reason) -> None:
    """Take no further step until `churn experiment resume`; customers keep their arms."""
    from churn_platform.experiments.moves import pause as hold

    publisher, spec = _open(load_settings(), name)
    _tell(hold(publisher, spec, reason=reason))


@experiment.command()
def resume(name: Name, reason: Reason) -> None:
    """Go on after a pause."""
    from churn_platform.experiments.moves import resume as go_on

    publisher, spec = _open(load_settings(), name)
    _tell(go_on(publisher, spec, reason=reason))


@experiment.command()
def stop(name: Name, reason: Reason) -> None:
    """End it for good: the champion answers everybody again."""
    from churn_platform.experiments.moves import end

    publisher, spec = _open(load_settings(), name)
    _tell(end(publisher, spec, reason=reason))


@experiment.command()
def ship(name: Name, reason: Reason) -> None:
    """Make the challenger champion, if the outcome says ship and it passes the promotion gates."""
    from churn_platform.experiments.moves import running
    from churn_platform.experiments.ship import ship as promote

    settings = load_settings()
    publisher, spec = _open(settings, name)
    state = running(publisher, spec)
    outcome = _outcome(publisher, state)
    progress = _progress(settings, publisher, state)
    taken = promote(
        publisher,
        spec,
        outcome,
        progress,
        reason=reason,
    )
    record = taken.record
    console.print(
        f"version {record.version} is champion of {spec.portfolio}, version {taken.before} "
        f"was (record {record.sequence})"
    )


@experiment.command()
def history(name: Name) -> None:
    """List what happened to it, oldest first, from the audit trail."""
    from churn_platform.experiments.state import history_of

    settings = load_settings()
    publisher, _ = _open(settings, name)
    table = Table("time (UTC)", "what", "step", "who", "why", box=None)
    for record in history_of(publisher.audit.records(), name):
        details = record.details
        what = details["event"]
        if details.get("approved"):
            what += ", approved"
        table.add_row(
            f"{record.at:%Y-%m-%d %H:%M}",
            what,
            details.get("step", ""),
            record.by,
            record.reason,
        )
    console.print(table, soft_wrap=False)


def _open(settings: Settings, name: str) -> "tuple[Publisher, ExperimentSpec]":
    """What a command changes, and the spec in the file."""
    from churn_platform.experiments.loader import experiment_named

    spec = experiment_named(settings.experiments_dir, name)
    portfolio_named(settings, spec.portfolio)
    return publisher_of(settings, spec.portfolio), spec


def _progress(settings: Settings, publisher: "Publisher", state: "ExperimentState") -> "Progress":
    from churn_platform.experiments.alarms import fetch_alarms, open_alarms
    from churn_platform.experiments.safety import read_progress
    from churn_platform.warehouse.lake import connect

    portfolio = publisher.portfolio
    log = settings.serving_log_dir / portfolio.name
    # Services on other hosts write their alarms beside their own logs.
    fetch_alarms(settings.shared("log"), portfolio.name, log)
    alarms = open_alarms(publisher, log, state)
    with closing(connect(publisher.lake, read_only=True)) as connection:
        return read_progress(
            connection,
            portfolio,
            state,
            until=publisher.audit.now(),
            alarms=tuple(map(str, alarms)),
        )


def _outcome(publisher: "Publisher", state: "ExperimentState") -> dict[str, Any] | None:
    from churn_platform.experiments.outcome import newest_outcome, table_of
    from churn_platform.warehouse.lake import connect

    # What earns more is decided on the draw of lists, all else on both scores.
    name = table_of(state.spec)
    table = f"{publisher.portfolio.name}.{name}"
    with closing(connect(publisher.lake, read_only=True)) as connection:
        return newest_outcome(connection, table, state)


def _tell(state: "ExperimentState") -> None:
    live = state.live
    spec = state.spec
    share = f"{live.challenger.weight:.0%} of customers"
    if live.is_shadow:
        share = "scores in shadow"
    moved_at = f"{state.last.at:%Y-%m-%d %H:%M} UTC"
    began_at = f"{state.since:%Y-%m-%d %H:%M} UTC"
    _print_rows(
        [
            ("experiment", f"{spec.name}: {spec.question}"),
            ("status", f"{state.status}, since {moved_at}"),
            ("step", f"{state.step.name}, since {began_at}: {share}"),
            ("versions", f"{state.control} (control), {state.challenger} (challenger)"),
            ("spec", spec.sha256[:12]),
        ]
    )


def _steps(spec: "ExperimentSpec") -> str:
    told = []
    for step in spec.steps:
        approval = ", approval" if step.approval else ""
        told.append(f"{step.name} {step.weight:.0%} ({step.least_hours:g} h{approval})")
    return " -> ".join(told)


def _print_rows(rows: list[tuple[str, str]]) -> None:
    width = 16
    for name, _ in rows:
        width = max(width, len(name) + 2)
    for name, value in rows:
        console.print(f"{name:<{width}}{value}")
