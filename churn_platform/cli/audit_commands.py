"""Commands on the audit trail: `churn audit verify` and `churn audit show`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from churn_platform.cli.app import app, audit_log, console, portfolio_named
from churn_platform.errors import ChurnError
from churn_platform.masking import masked
from churn_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from churn_platform.audit.verify import Anchor

audit = typer.Typer(help="Who decided what, when and why.", no_args_is_help=True)
app.add_typer(audit, name="audit")


@audit.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(help="A head you noted elsewhere, <number>:<sha256>; repeatable."),
    ] = None,
) -> None:
    """Check every record of the trail, and the heads noted in MLflow and Dagster; exit code 1 where
    one is broken.
    """
    from churn_platform.audit.anchors import read_anchor
    from churn_platform.audit.shared_trail import differences
    from churn_platform.audit.verify import verify

    settings = load_settings()
    # Each place is tried apart: the trail must be verifiable when MLflow is down.
    anchors = [read_anchor("the head given", text) for text in head or []]
    for place, reached in (("MLflow", _mlflow_anchors), ("Dagster", _dagster_anchors)):
        try:
            noted = reached(settings)
        except ChurnError as error:
            console.print(f"anchors         {place}: not reached: {error}")
            continue

        console.print(f"anchors         {place}: {len(noted)} compared")
        anchors += noted

    log = audit_log(settings)
    verified = verify(log.file(), anchors)
    findings = verified.findings
    console.print(f"audit trail     {settings.audit_path}")

    if log.store is not None:
        findings += differences(log.store, log.path)
        console.print(f"on the store    {log.store.location}: compared record by record")

    console.print(f"records         {verified.records}, head {verified.records}:{verified.head}")

    if not anchors:
        console.print("no anchor was compared, so a cut end would not have been seen")

    for finding in findings:
        where = f"line {finding.line}" if finding.line else "end of file"
        console.print(f"{where:<16}{finding.problem}")

    console.print("broken" if findings else "intact")
    raise typer.Exit(1 if findings else 0)


@audit.command()
def show(
    portfolio: Annotated[str | None, typer.Option(help="Only this portfolio.")] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action, for example promotion.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only from this day on, YYYY-MM-DD, UTC.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records as JSON lines.")] = False,
) -> None:
    """List the records of the trail, oldest first; what it says is checked by
    `churn audit verify`.
    """
    from churn_platform.audit.audit_record import encode
    from churn_platform.audit.trail import select

    settings = load_settings()
    first = read_day(since) if since else None
    everything = audit_log(settings).records()
    if portfolio and portfolio not in {record.portfolio for record in everything}:
        portfolio_named(settings, portfolio)

    records = select(
        everything,
        portfolio=portfolio,
        action=action,
        since=first,
    )
    if as_json:
        for record in records:
            console.print(encode(record).decode())

        return

    table = Table("#", "when (UTC)", "who", "action", "portfolio", "what", "why", box=None)
    for record in records:
        table.add_row(
            str(record.sequence),
            f"{record.at:%Y-%m-%d %H:%M:%S}",
            record.by,
            record.action,
            record.portfolio,
            record.subject,
            record.reason,
        )

    console.print(table, soft_wrap=False)


def read_day(text: str) -> datetime:
    """The first instant, UTC, of a day written as YYYY-MM-DD; ChurnError if it is none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise ChurnError(
            f"{text!r} is not a day; write YYYY-MM-DD, for example 2026-01-31"
        ) from error


def _mlflow_anchors(settings: Settings) -> "list[Anchor]":
    from mlflow.exceptions import MlflowException

    from churn_platform.audit.anchors import mlflow_anchors
    from churn_platform.graph.resources.tracking import Tracking

    try:
        return mlflow_anchors(Tracking.of(settings).answering_client())
    except MlflowException as error:
        raise ChurnError(f"{masked(settings.mlflow_uri)} does not answer: {error}") from error


def _dagster_anchors(settings: Settings) -> "list[Anchor]":
    from churn_platform.graph.resources.audit_trail import dagster_anchors
    from churn_platform.graph.runs import dagster_instance
    from churn_platform.portfolios.loader import load_portfolios

    with dagster_instance(Path.cwd()) as instance:
        return dagster_anchors(instance, list(load_portfolios(settings.portfolios_dir)))
