"""Finds a month's landed file and opens it as a relation whose headers are normalised."""

import csv
import gzip
import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow
from pyarrow import parquet

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import MAX_LINE_BYTES, UNTOUCHED, check_is_file, check_sound
from churn_platform.months import label, parse_month
from churn_platform.sql import literal, read_csv, read_parquet

SUFFIXES = (".parquet", ".csv", ".csv.gz")
SEPARATORS = ",;\t|"
MAX_HEADER_LINE_BYTES = 1 << 20
MAX_HEADER_CHARACTERS = 1_000
TOO_LONG = f"{MAX_LINE_BYTES:,} bytes"
CAUSES = {
    "utf-8": "it is not UTF-8; save it as UTF-8",
    "unicode": "it is not UTF-8; save it as UTF-8",
    "magic bytes": "it is truncated or not Parquet; deliver it again",
    "parquet": "it is truncated or not Parquet; deliver it again",
    "tprotocol": "it is truncated or not Parquet; deliver it again",
    "unterminated quote": f"a quotation mark is not closed, or its field has more than {TOO_LONG}",
    "maximum line size": f"a line has more than {TOO_LONG}; a quotation mark may not be closed",
    "parallel csv reader": f"a field has more than {TOO_LONG}; a quotation mark may not be closed",
    "invalid state": (
        "a line ends in CR alone, or text follows a closing quotation mark; "
        "end lines with LF or CRLF"
    ),
    "number of columns": (
        "the line has too few or too many fields; it may be truncated, deliver it again"
    ),
}


@dataclass(frozen=True)
class LandedFile:
    """One landed file: where it lies, and what it was when it was found."""

    path: Path
    size_bytes: int
    modified_ns: int

    def changed(self) -> bool:
        """Whether the file has been rewritten since it was found."""
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.modified_ns)


def landed_files(folder: Path) -> dict[date, list[Path]]:
    """The files of each month in a table's landing folder, oldest month first; all else is
    `passed_over`.
    """
    found: dict[date, list[Path]] = {}
    for path in _visible(folder):
        if (month := _month_of(path)) and path.is_file():
            found.setdefault(month, []).append(path)
    return found


def passed_over(folder: Path) -> list[Path]:
    """What lies in a table's landing folder and is not read, because it is no file with the name of
    a landed one.
    """
    return [path for path in _visible(folder) if _month_of(path) is None or not path.is_file()]


def _visible(folder: Path) -> list[Path]:
    return (
        sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        if folder.is_dir()
        else []
    )


def _month_of(path: Path) -> date | None:
    name, _, kind = path.name.partition(".")
    try:
        return parse_month(name) if f".{kind}" in SUFFIXES and len(name) == len("2025-01") else None
    except ValueError:
        return None


def files_of(landing_dir: Path, portfolio: str, table: str, month: date) -> list[Path]:
    """Every file landed for a table and month."""
    return [path for path in entries_of(landing_dir, portfolio, table, month) if path.is_file()]


def entries_of(landing_dir: Path, portfolio: str, table: str, month: date) -> list[Path]:
    """What has the name of a file of a table and month; it may be a folder, which must not pass for
    no delivery.
    """
    folder = landing_dir / portfolio / table
    return [
        path for suffix in SUFFIXES if os.path.lexists(path := folder / f"{label(month)}{suffix}")
    ]


def find_file(landing_dir: Path, portfolio: str, table: str, month: date) -> LandedFile:
    """The one file landed for a table and month; LandingError where there is none, or more than
    one.
    """
    folder = landing_dir / portfolio / table
    found = entries_of(landing_dir, portfolio, table, month)
    if not found:
        raise LandingError(
            f"no file for {portfolio}/{table} of {label(month)}; "
            f"put one at {folder}/{label(month)}.csv"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise LandingError(
            f"{folder}: {len(found)} files for one month ({names}); keep the right one"
        )
    check_is_file(found[0])
    state = found[0].stat()
    if state.st_size == 0:
        raise LandingError(f"{found[0]}: the file is empty (0 bytes); deliver it again")
    return LandedFile(found[0], state.st_size, state.st_mtime_ns)


def relation(
    connection: duckdb.DuckDBPyConnection, path: Path
) -> tuple[str, dict[str, tuple[str, str]]]:
    """The table function that reads `path`, and its columns: normalised header -> (header, SQL
    type).

    LandingError for a file that may not be read, is truncated, has a wrong encoding, no header, or
    two headers that are the same when normalised. Nothing is guessed but the separator, and that
    from the first line alone.
    """
    check_sound(path)
    if path.suffix == ".parquet":
        reader = read_parquet(path)
        return reader, _by_name(
            path, _parquet_headers(path), _parquet_types(connection, path, reader)
        )
    separator, headers = csv_headers(path)
    columns = _by_name(path, headers, ["VARCHAR"] * len(headers))
    listed = ", ".join(f"{literal(header)}: 'VARCHAR'" for header in headers)
    dialect = (
        f"auto_detect = false, header = true, delim = {literal(separator)}, quote = '\"', "
        "escape = '\"'"
    )
    return read_csv(path, f"{dialect}, columns = {{{listed}}}"), columns


def _parquet_headers(path: Path) -> list[str]:
    """Column names as they stand in the file: DuckDB numbers those that occur twice."""
    try:
        return parquet.read_schema(path).names
    except (pyarrow.ArrowInvalid, OSError):
        raise LandingError(f"{path}: cannot be read: {CAUSES['parquet']}; {UNTOUCHED}") from None


def _parquet_types(connection: duckdb.DuckDBPyConnection, path: Path, reader: str) -> list[str]:
    try:
        return [row[1] for row in connection.execute(f"describe select * from {reader}").fetchall()]
    except duckdb.Error as error:
        raise unreadable(path, error) from None


def csv_headers(path: Path) -> tuple[str, list[str]]:
    """The separator that cuts the first line into most fields, and those fields; an unnamed one is
    named by place.
    """
    line = _first_line(path)
    cuts = [(separator, _fields(line, separator)) for separator in SEPARATORS]
    separator, headers = max(cuts, key=lambda cut: len(cut[1]))
    longest = max((len(header) for header in headers), default=len(line))
    if longest > MAX_HEADER_CHARACTERS:
        raise LandingError(
            f"{path}: line 1: a header has {longest:,} characters, "
            f"more than {MAX_HEADER_CHARACTERS:,}; "
            f"put the headers there, and close their quotation marks; {UNTOUCHED}"
        )
    return separator, [
        header.strip() or f"column{place}" for place, header in enumerate(headers, start=1)
    ]


def _first_line(path: Path) -> str:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        raw = stream.readline(MAX_HEADER_LINE_BYTES)
    if len(raw) == MAX_HEADER_LINE_BYTES:
        raise LandingError(
            f"{path}: line 1 has {MAX_HEADER_LINE_BYTES:,} bytes or more; "
            "put the headers there alone, "
            f"and end lines with LF or CRLF; {UNTOUCHED}"
        )
    if b"\r" in raw.rstrip(b"\r\n"):
        raise LandingError(
            f"{path}: line 1 holds a carriage return (CR), as where lines end in CR alone; "
            f"end lines with LF or CRLF, as with `tr '\\r' '\\n'`; {UNTOUCHED}"
        )
    try:
        return raw.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise LandingError(
            f"{path}: cannot be read: line 1: {CAUSES['utf-8']}; {UNTOUCHED}"
        ) from None


def _fields(line: str, separator: str) -> list[str]:
    """The fields of a line; none if one is longer than the csv module reads, as under a separator
    of another file.
    """
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _by_name(path: Path, headers: list[str], sql_types: list[str]) -> dict[str, tuple[str, str]]:
    columns: dict[str, tuple[str, str]] = {}
    for header, sql_type in zip(headers, sql_types, strict=True):
        name = normalised(header)
        if name in columns:
            raise LandingError(
                f"{path}: columns {columns[name][0]!r} and {header!r} are one name; rename one"
            )
        columns[name] = (header, sql_type)
    if not columns:
        raise LandingError(f"{path}: the first line is empty; put the headers there")
    return columns


def normalised(header: str) -> str:
    """A header as names are compared, without BOM, case, outer or repeated blanks.

    '  Total  Charges' becomes 'total_charges'.

    Camel case is split, so 'TotalCharges' and 'Total charges' are one name. A header of signs alone
    stays as it is.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip("\ufeff \t\r\n"))
    return re.sub(r"[\W_]+", "_", words.lower()).strip("_") or header.strip()


def unreadable(path: Path, error: duckdb.Error) -> LandingError:
    """The error for a file that DuckDB cannot read, with the line and the likely cause.

    To be raised `from None`: DuckDB's own message quotes the line, which may hold a phone number.
    """
    text = str(error)
    cause = next(
        (cause for sign, cause in CAUSES.items() if sign in text.lower()),
        text.splitlines()[0][:200],
    )
    line = re.search(r"on line: (\d+)", text, re.IGNORECASE)
    where = f"line {line.group(1)}: " if line else ""
    return LandingError(f"{path}: cannot be read: {where}{cause}; {UNTOUCHED}")
