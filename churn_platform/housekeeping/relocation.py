"""Moves the addresses of MLflow's files after their data folder: MLflow keeps each one absolute, in
its database.

A relative one would not do: MLflow reads it from the folder that a process happens to run in. All
else in a data folder is found from the settings: the lake's files, the bundles, Dagster's history.
"""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from churn_platform.errors import RelocationError

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class AddressColumn:
    """A column of MLflow's database that holds addresses of files; `is_kept` if the folder of each
    must be there.
    """

    table: str
    name: str
    is_kept: bool = False


COLUMNS = (
    AddressColumn("experiments", "artifact_location"),
    AddressColumn("runs", "artifact_uri"),  # a run without files has no folder
    AddressColumn(
        "logged_models", "artifact_location"
    ),  # nor has a model that housekeeping removed
    AddressColumn("model_versions", "storage_location", is_kept=True),
    AddressColumn("model_versions", "source"),  # an address in versions from before MLflow 3 alone
)


@dataclass(frozen=True)
class Move:
    """An address that leads to another place, and what it is to be."""

    column: AddressColumn
    old: str
    new: str


def find_moves(
    connection: "Connection", artifacts: str, columns: Sequence[AddressColumn] = COLUMNS
) -> list[Move]:
    """Every address below a folder of another place that is named like `artifacts`, the address of
    the one here.
    """
    from sqlalchemy import text

    moves: list[Move] = []
    for column in columns:
        query = f"select distinct {column.name} from {column.table} where {column.name} is not null"
        addresses: list[str] = list(connection.execute(text(query)).scalars())
        for old in addresses:
            new = _moved(old, artifacts)
            if new != old:
                moves.append(Move(column, old, new))

    return moves


def require_in_place(uri: str, artifacts: str) -> None:
    """RelocationError if experiments of the store keep their files where it was moved from."""
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            moves = find_moves(connection, artifacts, COLUMNS[:1])
    finally:
        engine.dispose()

    if moves:
        raise RelocationError(
            f"MLflow looks for its files in {', '.join(origins(moves, artifacts))}, and this data "
            f"folder keeps them in {artifacts}: it was moved or copied; run `churn relocate` once"
        )


def _moved(address: str, artifacts: str) -> str:
    if urlsplit(address).scheme not in ("", "file"):
        return address
    folder = artifacts.rpartition("/")[2]
    _, is_below, rest = address.rpartition(f"/{folder}/")
    return f"{artifacts}/{rest}" if is_below else address


def origins(moves: list[Move], artifacts: str) -> list[str]:
    """The folders to which the addresses lead."""
    folders = set()
    for move in moves:
        below = move.new.removeprefix(artifacts)
        folders.add(move.old.removesuffix(below))
    return sorted(folders)


def as_text(moves: list[Move]) -> str:
    """How many addresses of each kind change."""
    counts = Counter(f"{move.column.table}.{move.column.name}" for move in moves)
    lines = []
    for name, count in counts.items():
        lines.append(f"{count:>9,} addresses  {name}")
    return "\n".join(lines)


def require_files(moves: list[Move]) -> None:
    """RelocationError if models were not moved along: then an address would lead nowhere."""
    missing = []
    for move in moves:
        if move.column.is_kept and not _path(move.new).is_dir():
            missing.append(move)

    if missing:
        first = missing[0]
        raise RelocationError(
            f"{len(missing):,} models are not here, the first of them {_path(first.new)}: "
            f"copy {_path(first.old)} and the rest of the old data folder first; nothing was "
            "changed"
        )


def bring_history(here: Path, place: Path) -> None:
    """Move Dagster's history from `here` to `place`, where Dagster looks for it and no run is."""
    if place.exists():
        # Made by the first look of a Dagster that found nothing.
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(here, place)


def has_history(folder: Path) -> bool:
    """Whether there is a run in it: an instance makes its empty tables at the first look."""
    return any(path.stem != "index" for path in (folder / "history" / "runs").glob("*.db"))


def _path(address: str) -> Path:
    return Path(unquote(urlsplit(address).path))


def move(connection: "Connection", moves: list[Move]) -> None:
    """Write the new addresses, all in the connection's one transaction."""
    from sqlalchemy import text

    for address in moves:
        column = address.column
        update = text(f"update {column.table} set {column.name} = :new where {column.name} = :old")
        connection.execute(update, {"new": address.new, "old": address.old})
