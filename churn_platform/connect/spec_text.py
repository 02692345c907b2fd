"""Writes a proposal as YAML that a person can read and correct, each guess with its confidence."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from churn_platform.connect.proposing import ColumnGuess, Guesses, TableGuess

WIDEST = 2**31 - 1


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
        lines.append(f"  {source}: {_flow(given)}")

    lines += ["", "tables:"]
    for guess in found.tables:
        lines += _table(guess)

    if found.missing:
        lines += ["", f"# Not found, and left out with their features: {', '.join(found.missing)}"]
    for table in found.leftover:
        lines.append(f"# Not used: {table.place} of {table.source}")
    return "\n".join(lines) + "\n"


def _table(guess: TableGuess) -> list[str]:
    lines = [
        f"  - name: {guess.table.name}  # {guess.confidence:.0%}",
        "    from:",
        f"      source: {guess.source.source}",
        f"      {guess.source.key}: {_flow(guess.source.place)}",
    ]
    for key, value in guess.period.items():
        lines.append(f"      {key}: {_flow(value)}")
    lines.append("      columns:")
    for column in guess.columns:
        lines.append(f"        {_column(column)}")
    lines += [f"        # {line}" for line in could_not_place(guess)]
    if guess.levels:
        lines.append(f"    levels: {_flow(dict(guess.levels))}")
    return lines


def _column(guess: ColumnGuess) -> str:
    if guess.source is None:
        return f"{guess.column.name}: {_flow(guess.fit.options)}  # no column found"
    value: Any = guess.source.name
    if guess.fit.options:
        value = {"column": guess.source.name, **guess.fit.options}
    return f"{guess.column.name}: {_flow(value)}  # {guess.fit.confidence:.0%}"


def could_not_place(guess: TableGuess) -> list[str]:
    """What a person has to decide about a table."""
    said = [f"could not place {name}: add its column" for name in guess.unplaced]
    for name, levels in guess.unknown_levels.items():
        said.append(f"could not place {', '.join(levels)} of {name}: add them under its levels")
    if guess.unused:
        said.append(f"not used: {', '.join(guess.unused)}")
    if not guess.table.event_time and not guess.period:
        said.append("no column tells the month: only the newest complete month can be read")
    return said


def command_of(name: str, sources: Sequence[str], timezone: str) -> str:
    """The command that makes the proposal again."""
    words = ["churn", "connect", name]
    for source in sources:
        words += ["--source", source]
    if timezone != "UTC":
        words += ["--timezone", timezone]
    return shlex.join(words)


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=WIDEST
    )
    return text.removesuffix("...\n").strip()
