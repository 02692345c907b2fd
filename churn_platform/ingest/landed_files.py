"""Finds what has landed of a month, a file or a folder of parts, and says why it cannot be read."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from churn_platform.errors import LandingError
from churn_platform.ingest.parts import complete_parts, is_complete, parts_of
from churn_platform.ingest.soundness import (
    FIELDS,
    NO_PARQUET,
    QUOTATION,
    TOO_LONG,
    UNTOUCHED,
    check_is_file,
)
from churn_platform.months import label, parse_month

TEXT_KINDS = (".csv", ".tsv", ".txt")
SUFFIXES = (".parquet", ".xlsx", *TEXT_KINDS, *(f"{kind}.gz" for kind in TEXT_KINDS))
CAUSES = {
    "utf-8": "it is not UTF-8; save it as UTF-8",
    "unicode": "it is not UTF-8; save it as UTF-8",
    "magic bytes": NO_PARQUET,
    "parquet": NO_PARQUET,
    "tprotocol": NO_PARQUET,
    "don't know what type": NO_PARQUET,
    "unterminated quote": QUOTATION,
    "maximum line size": f"a line has more than {TOO_LONG}; a quotation mark may not be closed",
    "parallel csv reader": f"a field has more than {TOO_LONG}; a quotation mark may not be closed",
    "invalid state": (
        "a line ends in CR alone, or text follows a closing quotation mark; "
        "end lines with LF or CRLF"
    ),
    "number of columns": FIELDS,
}


@dataclass(frozen=True)
class LandedFile:
    """One landed file: where it is, and what it was when it was found."""

    path: Path
    size_bytes: int
    modified_ns: int

    def changed(self) -> bool:
        """Whether the file has been rewritten since it was found."""
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.modified_ns)


@dataclass(frozen=True)
class Delivery:
    """What has landed of a table and month: a file, or a folder with its parts."""

    path: Path
    files: tuple[LandedFile, ...]

    @property
    def name(self) -> str:
        """The file's name, or the folder's with the number of parts."""
        if not self.in_parts:
            return self.path.name
        return f"{self.path.name}/ ({len(self.files)} parts)"

    @property
    def in_parts(self) -> bool:
        """Whether it is a folder."""
        return (self.path,) != tuple(file.path for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.size_bytes for file in self.files)

    def changed(self) -> bool:
        """Whether a file has been rewritten, or a part has come, since it was found."""
        if self.in_parts and len(parts_of(self.path)) != len(self.files):
            return True
        return any(file.changed() for file in self.files)


def landed_files(folder: Path) -> dict[date, list[Path]]:
    """The files of each month in a table's landing folder, oldest month first; the parts of one
    that came in parts, if they are complete. All else is `passed_over`.
    """
    found: dict[date, list[Path]] = {}
    for path in _visible(folder):
        month = _month_of(path)
        if month and (files := _files_at(path)):
            found.setdefault(month, []).extend(files)
    return found


def passed_over(folder: Path) -> list[Path]:
    """What is in a table's landing folder and is not read: it has not the name of a month's file,
    or is a folder of parts that is not complete.
    """
    others = []
    for path in _visible(folder):
        if _month_of(path) is None or not _files_at(path):
            others.append(path)
    return others


def _files_at(path: Path) -> list[Path]:
    """The file itself, or the parts of a folder that is complete."""
    if path.is_dir():
        return parts_of(path) if is_complete(path) else []
    return [path] if path.is_file() else []


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _month_of(path: Path) -> date | None:
    name, dot, kind = path.name.partition(".")
    is_known = f".{kind.lower()}" in SUFFIXES if dot else path.is_dir()
    if not is_known or len(name) != len("2025-01"):
        return None

    try:
        return parse_month(name)
    except ValueError:
        return None


def known_suffix(file: Path) -> str | None:
    """The kind of a file by its name, in any case; None if it is no kind that can be read."""
    name = file.name.lower()
    return next(filter(name.endswith, SUFFIXES), None)


def unknown_kind(file: Path) -> str:
    """The refusal of a file by its name."""
    return f"{file}: no file of a known kind; give a {', '.join(SUFFIXES)} file"


def files_of(landing_dir: Path, portfolio: str, table: str, month: date) -> list[Path]:
    """Every file landed for a table and month."""
    files = []
    for path in entries_of(landing_dir, portfolio, table, month):
        files += _files_at(path)

    return files


def entries_of(landing_dir: Path, portfolio: str, table: str, month: date) -> list[Path]:
    """What has the name of a delivery of a table and month; it may not be readable, which must not
    pass for no delivery.
    """
    return entries_in(landing_dir / portfolio / table, month)


def entries_in(folder: Path, month: date) -> list[Path]:
    """The same of a table's folder."""
    entries = []
    for path in _visible(folder):
        if _month_of(path) == month:
            entries.append(path)

    return entries


def find_delivery(landing_dir: Path, portfolio: str, table: str, month: date) -> Delivery:
    """The one file, or folder of parts, that landed for a table and month; LandingError if there
    is none, or more than one.
    """
    folder = landing_dir / portfolio / table
    found = entries_of(landing_dir, portfolio, table, month)
    if not found:
        raise LandingError(
            f"no file for {portfolio}/{table} of {label(month)}; {_landed(folder)}; "
            f"put one at {folder}/{label(month)}.csv, or materialize a month that has landed"
        )

    # Two kinds of one month may hold different rows. Choosing one would be a guess.
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise LandingError(
            f"{folder}: {len(found)} files for one month ({names}); keep the right one"
        )

    (path,) = found
    is_folder = path.is_dir() and path.name == label(month)
    paths = complete_parts(path) if is_folder else [path]
    return Delivery(path, tuple(map(_found, paths)))


def _found(file: Path) -> LandedFile:
    check_is_file(file)
    state = file.stat()
    if state.st_size == 0:
        raise LandingError(f"{file}: the file is empty (0 bytes); deliver it again")

    return LandedFile(file, state.st_size, state.st_mtime_ns)


def _landed(folder: Path) -> str:
    """What has landed in a table's folder, in words."""
    landed = list(landed_files(folder))
    if not landed:
        return "no month has landed"

    first, last = label(landed[0]), label(landed[-1])
    if len(landed) == 1:
        return f"only {first} has landed"

    return f"{len(landed)} months have landed, {first} to {last}"


def unreadable(path: Path, error: duckdb.Error) -> LandingError:
    """The error for a file that DuckDB cannot read, with the line and the likely cause.

    To be raised `from None`: DuckDB's own message quotes the line, which may hold a phone number.
    """
    text = str(error)
    line = re.search(r"on line: (\d+)", text, re.IGNORECASE)
    where = f"line {line.group(1)}: " if line else ""
    return LandingError(f"{path}: cannot be read: {where}{_cause(text)}; {UNTOUCHED}")


def _cause(error_text: str) -> str:
    for sign, cause in CAUSES.items():
        if sign in error_text.lower():
            return cause
    first_line = error_text.splitlines()[0]
    return first_line[:200]
