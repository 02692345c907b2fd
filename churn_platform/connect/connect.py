"""Makes the spec of an operator's own tables: the one function behind `churn connect`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from churn_platform.connect.addresses import source_of
from churn_platform.connect.looking import SourceTable, look
from churn_platform.connect.proposing import Guesses, guesses
from churn_platform.connect.spec_text import command_of, spec_text
from churn_platform.errors import SpecError
from churn_platform.portfolios.loader import load_portfolios, read_portfolio
from churn_platform.portfolios.sources import Source
from churn_platform.portfolios.spec import Portfolio
from churn_platform.sources.open_source import Resources, opened_source
from churn_platform.storage.atomic_file import draft_of

RECIPE = "telecomit"


@dataclass(frozen=True)
class Connection:
    """The spec as written, and what it was made of."""

    path: Path
    portfolio: Portfolio
    guesses: Guesses


def connect_operator(
    name: str,
    sources: Sequence[str],
    *,
    portfolios_dir: Path,
    resources: Resources,
    timezone: str = "UTC",
    overwrite: bool = False,
) -> Connection:
    """Look at the sources and write `<name>.yaml`.

    SpecError, and nothing written, if the name is taken, a source is not understood, or no
    customers and no table of events are found; SourceError if a source cannot be read.
    """
    path = portfolios_dir / f"{name}.yaml"
    known = load_portfolios(portfolios_dir)
    # A person has corrected the spec that is there.
    if path.exists() and not overwrite:
        raise SpecError(f"{path} exists already; replace it with --overwrite")
    # One that ships, or that a file of another name has.
    if name in known and not path.exists():
        raise SpecError(f"portfolio {name!r} exists already; choose another name")

    given = {}
    for source, written in map(source_of, sources):
        # An operator's own systems usually keep its own time; said in the spec, to be corrected.
        given[source] = written if timezone == "UTC" else {**written, "timezone": timezone}
    found: list[SourceTable] = []
    for source, written in given.items():
        spec = _source(source, written)
        with opened_source(source, spec, resources) as opened:
            found += look(opened)

    proposed = guesses(known[RECIPE], found)
    command = command_of(name, sources, timezone)
    text = spec_text(name, given, timezone, proposed, command)
    portfolio = _write(path, text, proposed)
    return Connection(path, portfolio, proposed)


def _source(name: str, spec: object) -> Source:
    try:
        return TypeAdapter(Source).validate_python(spec)
    except ValidationError as error:
        told = "; ".join(item["msg"] for item in error.errors())
        raise SpecError(f"--source {name}: {told}") from None


def _write(path: Path, text: str, proposed: Guesses) -> Portfolio:
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(path) as draft:
        draft.write_text(text, encoding="utf-8")
        # Read back before it takes its place: a spec that cannot be read would stop every command.
        try:
            portfolio = read_portfolio(draft)
        except SpecError as error:
            # Without the path of the draft, which no one will find.
            reason = str(error).partition(": ")[2]
            names = [guess.table.name for guess in proposed.tables]
            placed = ", ".join(names) or "no table"
            missing = ", ".join(proposed.missing) or "none"
            raise SpecError(
                f"the sources are not enough: {reason}; found were {placed}, not found {missing}"
            ) from None
        draft.replace(path)
    return portfolio
