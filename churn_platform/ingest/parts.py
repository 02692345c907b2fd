"""A month delivered in parts: a folder of files beside a marker that says that all are there.

A file is complete when it has its name, because it is renamed into place. Of a folder nobody knows
that; so the sender writes `_SUCCESS` last, or `_manifest.json` with the rows of each part.
"""

from pathlib import Path

import msgspec

from churn_platform.errors import LandingError

PART = "part-"
SUCCESS, MANIFEST = "_SUCCESS", "_manifest.json"
EXAMPLE = '{"rows": {"part-0.parquet": 1000}}'


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of each part by its name."""

    rows: dict[str, int]


def parts_of(folder: Path) -> list[Path]:
    """The parts in a month's folder, by name; of any kind of file."""
    found = []
    for path in folder.iterdir():
        # Senders leave other files there, such as checksums and the markers themselves.
        if path.name.startswith(PART):
            found.append(path)

    return sorted(found)


def is_complete(folder: Path) -> bool:
    """Whether the sender has said that all parts are there."""
    return (folder / SUCCESS).exists() or (folder / MANIFEST).exists()


def complete_parts(folder: Path) -> list[Path]:
    """The parts of a delivery; LandingError where it is not complete, or is not what its manifest
    says.
    """
    parts = parts_of(folder)
    if not is_complete(folder):
        raise LandingError(
            f"{folder}: {len(parts)} parts and no {SUCCESS}; write that file when all parts are "
            f"there, or {MANIFEST} with the rows of each"
        )
    if not parts:
        raise LandingError(f"{folder}: no file whose name begins with {PART}; deliver the parts")

    rows = rows_told(folder)
    if rows is None:
        return parts

    names = {part.name for part in parts}
    wanted = set(rows)
    if names != wanted:
        missing = ", ".join(sorted(wanted - names)) or "none"
        unknown = ", ".join(sorted(names - wanted)) or "none"
        raise LandingError(
            f"{folder}: not as its {MANIFEST} says: missing parts {missing}, unknown parts "
            f"{unknown}; deliver the month again"
        )

    return parts


def rows_told(folder: Path) -> dict[str, int] | None:
    """The rows of each part as the manifest has them; None without a manifest."""
    manifest = folder / MANIFEST
    if not manifest.exists():
        return None

    try:
        return msgspec.json.decode(manifest.read_bytes(), type=Manifest).rows
    except msgspec.MsgspecError as error:
        raise LandingError(f"{manifest}: {error}; write it as {EXAMPLE}") from None
