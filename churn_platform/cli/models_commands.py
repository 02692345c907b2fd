"""Commands on models: list them, say who is champion, compare, roll back, approve, score a month
again.
"""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from churn_platform.cli.app import (
    PortfolioName,
    app,
    audit_log,
    console,
    portfolio_named,
    read_month,
    require_partitions,
)
from churn_platform.errors import ChurnError
from churn_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from churn_platform.promotion.publication import Publisher
    from churn_platform.promotion.takeover import Takeover

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit trail; without personal data.")]


@app.command()
def models(portfolio: PortfolioName, as_json: AsJson = False) -> None:
    """List every registered version, newest first: how good it is, what was decided on it, what it
    is now.
    """
    from churn_platform.training.model_registry import aliases, version_row, versions

    client = publisher_of(load_settings(), portfolio).client
    named = aliases(client, portfolio)

    rows = []
    for version in versions(client, portfolio):
        rows.append(version_row(version, named))

    if as_json:
        console.print(json.dumps(rows))
        return

    head = rows[0] if rows else ["version"]
    table = Table(*head, box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))

    console.print(table, soft_wrap=False)


@app.command()
def champion(
    portfolio: PortfolioName,
    on: Annotated[
        str | None,
        typer.Option(help="A day, to its end in UTC, or an instant as 2026-01-31T12:00+01:00."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which version is champion, or was on a day, since when and why, from the audit trail."""
    from churn_platform.audit.trail import champion_at

    publisher = publisher_of(load_settings(), portfolio)
    now = datetime.now(UTC)
    instant = read_instant(on, now=now) if on else now
    record = champion_at(publisher.audit.records(), portfolio, instant)
    state = {} if on else _state(publisher)
    if as_json:
        known = json.loads(_encoded(record)) if record else None
        console.print(json.dumps({"at": instant.isoformat(), "record": known} | state))
        return

    console.print(f"champion        {_sentence(record)}")
    for name, value in state.items():
        console.print(f"{name:<16}{value}")

    if record and len({record.version, *state.values()}) > 1 and state:
        console.print(
            "these differ: a run is at work or was cut short; "
            f"`churn rollback {portfolio} --to N` settles it"
        )


@app.command()
def compare(
    portfolio: PortfolioName,
    first: Annotated[int, typer.Argument(help="A version.")],
    second: Annotated[int, typer.Argument(help="Another version.")],
    as_json: AsJson = False,
) -> None:
    """Hold two versions against the newest matured hold-out, the same customers, and list in what
    they differ.
    """
    from churn_platform.metrics.comparison import CONFIDENCE
    from churn_platform.promotion.side_by_side import compare, made_of, metric_rows, read_version
    from churn_platform.training.versions import newest_version
    from churn_platform.warehouse.lake import connect

    settings = load_settings()
    publisher = publisher_of(settings, portfolio)
    spec = publisher.portfolio
    one, other = (read_version(publisher.client, spec, number) for number in (first, second))
    with closing(connect(publisher.lake, read_only=True)) as connection:
        # The newest hold-out is the one that the fewest versions were fitted on.
        judged_on = newest_version(publisher.client, spec)
        compared = compare(
            connection,
            (one, other),
            judged_on,
            spec,
            replicates=settings.bootstrap_replicates,
        )

    if as_json:
        console.print(json.dumps(compared.as_dict()))
        return

    table = Table("", f"version {first}", f"version {second}", box=None)
    for row in metric_rows(compared):
        table.add_row(*row)

    table.add_section()
    for name, pair in made_of(one, other).items():
        table.add_row(name, *pair)

    console.print(table, soft_wrap=False)
    difference = compared.difference
    console.print(
        f"\nAUC of version {first} minus version {second}: {difference.estimate:+.4f}, "
        f"{CONFIDENCE * 100:g} % interval {difference.low:+.4f} to {difference.high:+.4f}, "
        f"on the same {compared.customers:,} customers, "
        f"the hold-out of version {compared.judged_on}"
    )


@app.command()
def rollback(
    portfolio: PortfolioName,
    reason: Reason,
    to: Annotated[
        int | None, typer.Option(help="Version to go back to; default the champion before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an earlier champion serve again, at once; the present one is withdrawn and never
    promoted again.
    """
    from churn_platform.promotion.rollback import roll_back

    publisher = publisher_of(load_settings(), portfolio)
    _tell(publisher, roll_back(publisher, to=to, reason=reason), as_json=as_json)


@app.command()
def approve(
    portfolio: PortfolioName,
    reason: Reason,
    version: Annotated[
        int | None, typer.Option(help="Version to approve; default the newest that waits.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Promote and publish the version that earned promotion and waits for a person."""
    from churn_platform.promotion.approval import approve

    publisher = publisher_of(load_settings(), portfolio)
    _tell(publisher, approve(publisher, version=version, reason=reason), as_json=as_json)


@app.command()
def refuse(
    portfolio: PortfolioName,
    reason: Reason,
    version: Annotated[
        int | None, typer.Option(help="Version to refuse; default the newest that waits.")
    ] = None,
) -> None:
    """Refuse the version that earned promotion and waits for a person; it is never promoted."""
    from churn_platform.promotion.approval import refuse

    record = refuse(publisher_of(load_settings(), portfolio), version=version, reason=reason)
    console.print(f"version {record.version:<8}refused; it is not promoted")
    console.print(
        f"record          {record.sequence}, {record.action} by {record.by}: {record.reason}"
    )


@app.command()
def score(
    portfolio: PortfolioName, month: Annotated[str, typer.Option(help="Month as YYYY-MM.")]
) -> None:
    """Score a month with the champion there is and publish the scores, for example after a
    rollback.
    """
    settings = load_settings()
    portfolio_named(settings, portfolio)
    chosen = read_month(month)
    require_partitions(settings, chosen, chosen)

    from churn_platform.definitions import (
        build_defs,
    )  # seconds, which a mistake above need not cost
    from churn_platform.graph.runs import dagster_instance, run_job

    log = settings.root / "logs" / f"{portfolio}_scores.log"
    instance = dagster_instance(Path.cwd())
    run_job(
        build_defs(),
        instance,
        f"{portfolio}_scores",
        chosen,
        chosen,
        log=log,
        show=console.print,
    )


def read_instant(text: str, *, now: datetime) -> datetime:
    """The last microsecond of a day in UTC, or the instant given, UTC where it has no zone;
    ChurnError in the future.

    Today, which has not ended, is for now.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise ChurnError(
            f"{text!r} is no date; write YYYY-MM-DD or 2026-01-31T12:00+01:00"
        ) from error

    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    is_day = len(text) <= len("2026-01-31")
    if given > now:
        raise ChurnError(f"{text} is in the future; give a day or an instant that has passed")

    # A day counts to its end: "champion on 31 January" includes a promotion of that afternoon.
    return min(now, given + timedelta(days=1, microseconds=-1)) if is_day else given


def publisher_of(settings: Settings, portfolio: str) -> "Publisher":
    """What a command needs to change or ask what is published; ChurnError if there is no such
    portfolio.
    """
    from churn_platform.graph.resources.tracking import Tracking
    from churn_platform.promotion.publication import Publisher

    spec = portfolio_named(settings, portfolio)
    client = Tracking.of(settings).answering_client()
    return Publisher.of(settings, spec, client=client, audit=audit_log(settings))


def _tell(publisher: "Publisher", done: "Takeover", *, as_json: bool) -> None:
    from churn_platform.promotion.takeover import scored_by_another

    record, name = done.record, publisher.portfolio.name
    stale = scored_by_another(publisher, record.version or 0)
    if as_json:
        outcome = {
            "before": done.before,
            "after": record.version,
            "record": json.loads(_encoded(record)),
            "bundle_sha256": done.bundle.sha256,
            "stale_scores": {"month": stale[0], "scored_by": stale[1]} if stale else None,
        }
        console.print(json.dumps(outcome))
        return

    console.print(
        f"champion        version {done.before or 'none'} -> version {record.version}, live"
    )
    console.print(
        f"record          {record.sequence}, {record.action} by {record.by}: {record.reason}"
    )
    if record.action == "rollback":
        console.print(f"version {done.before:<8}withdrawn; it is not promoted again")

    if stale:
        month, scored_by = stale
        console.print(
            f"scores          of {month} were made by version {scored_by}; to score them again:"
        )
        console.print(f"                churn score {name} --month {month}")


def _state(publisher: "Publisher") -> dict[str, Any]:
    """What the registry and serving say of the champion."""
    from churn_platform.promotion.takeover import live_version
    from churn_platform.training.model_registry import CHAMPION, version_of

    return {
        "alias": version_of(publisher.client, publisher.portfolio.name, CHAMPION),
        "live": live_version(publisher),
    }


def _sentence(record: Any) -> str:
    if record is None:
        return "none, as far as the audit trail knows"
    since = f"{record.at:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"version {record.version} since {since}, {record.action} by {record.by}: {record.reason}"
    )


def _encoded(record: Any) -> bytes:
    from churn_platform.audit.audit_record import encode

    return encode(record)
