"""Writes a proposal as YAML that a person can read and correct, each guess with its confidence."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from churn_platform.connect.proposing import MOST_UNREAD, ColumnGuess, Guesses, TableGuess
from churn_platform.onboarding.spec_file import flow


def spec_text(
    name: str, sources: Mapping[str, Mapping[str, Any]], timezone: str, found: Guesses, command: str
) -> str:
    """The spec; what could not be placed is in it as a comment."""
    lines = [
        f"# Made by: {command}",
        "# A proposal: read it through. Each guess has its confidence behind it.",
        f"name: {name}",
        f"title: {name.replace('_', ' ').capitalize()}",
        "kind: events",
        "recipe: telecomit",
        f"timezone: {timezone}",
        "",
        "sources:",
    ]
    for source, given in sources.items():
        lines.append(f"  {source}: {flow(given)}")

    lines += ["", "tables:"]
    for guess in found.tables:
        lines += _table(guess)

    if found.missing:
        missing = ", ".join(found.missing)
        lines += ["", f"# Not found, and left out with their features: {missing}"]
    for table in found.leftover:
        lines.append(f"# Not used: {table.place} of {table.source}")
    return "\n".join(lines) + "\n"


def _table(guess: TableGuess) -> list[str]:
    source = guess.source
    place = flow(source.place)
    lines = [
        f"  - name: {guess.table.name}  # {guess.confidence:.0%}",
        "    from:",
        f"      source: {source.source}",
        f"      {source.key}: {place}",
    ]
    for key, value in guess.period.items():
        written = flow(value)
        lines.append(f"      {key}: {written}")
    if guess.has_dirt:
        lines.append(
            f"      set_aside: {MOST_UNREAD}  # of a sample {guess.unread:.1%} is unreadable"
        )

    lines.append("      columns:")
    for column in guess.columns:
        entry = _column(column)
        lines.append(f"        {entry}")
    # Beside the columns that were placed, where a person adds the others.
    for said in could_not_place(guess):
        lines.append(f"        # {said}")

    if guess.levels:
        levels = flow(dict(guess.levels))
        lines.append(f"    levels: {levels}")
    return lines


def _column(guess: ColumnGuess) -> str:
    name = guess.column.name
    options = guess.fit.options
    if guess.source is None:
        value = flow(options)
        return f"{name}: {value}  # no column found"

    # The short form where a column has only another name: most lines of a spec.
    value = flow(guess.source.name)
    if options:
        value = flow({"column": guess.source.name, **options})
    return f"{name}: {value}  # {guess.fit.confidence:.0%}"


def could_not_place(guess: TableGuess) -> list[str]:
    """What a person has to decide about a table."""
    said = []
    for name in guess.unplaced:
        said.append(f"could not place {name}: add its column")
    for name, levels in guess.unknown_levels.items():
        listed = ", ".join(levels)
        said.append(f"could not place {listed} of {name}: add them under its levels")

    unused = ", ".join(guess.unused)
    if unused:
        said.append(f"not used: {unused}")
    # Without a month in its rows every month would be read as the newest.
    if not guess.table.event_time and not guess.period:
        said.append("no column tells the month: only the newest complete month can be read")
    return said


def command_of(name: str, sources: Sequence[str], timezone: str) -> str:
    """The command that makes the proposal again."""
    words = ["churn", "connect", name]
    # `--source` takes one value each time it is given.
    for source in sources:
        words += ["--source", source]
    if timezone != "UTC":
        words += ["--timezone", timezone]
    return shlex.join(words)
