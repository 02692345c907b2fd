"""Opens a delivered file of any kind as a relation for DuckDB, whose headers are normalised."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow
from pyarrow import parquet

from churn_platform.errors import LandingError
from churn_platform.ingest.headers import Twins, distinct, normalised, twins_finding
from churn_platform.ingest.plain_csv import plain_table
from churn_platform.ingest.soundness import (
    NO_PARQUET,
    UNTOUCHED,
    OtherKind,
    check_sound,
    is_gzip,
)
from churn_platform.ingest.text_layout import Wanted
from churn_platform.ingest.unpacked_sizes import check_parquet_size, check_workbook_size
from churn_platform.ingest.workbook import write_sheet
from churn_platform.ingest.workbook_sheets import chosen_sheet
from churn_platform.portfolios.spec import FileOptions
from churn_platform.sql import identifier, literal, read_csv, read_parquet, select_list

WORKBOOK_PART = b"PK\x03\x04"
FOREIGN_KINDS = {
    b"\xd0\xcf\x11\xe0": (
        "is an old or encrypted Excel file; save it as .xlsx without a password, or as CSV UTF-8"
    ),
    b"<html": "is a web page; save the table as CSV UTF-8",
    b"<!doc": "is a web page; save the table as CSV UTF-8",
    b"<tabl": "is a web page; save the table as CSV UTF-8",
    b"<?xml": "is XML; save the table as CSV UTF-8",
    b"%pdf-": "is a PDF; deliver the table as CSV UTF-8",
}

PLAIN = FileOptions()


@dataclass(frozen=True)
class OpenFile:
    """A file that can be read: the table function, and its columns by normalised header.

    DuckDB may read a clean copy, which lasts as long as the file is open. `separator` is that of
    the file as delivered; None for Parquet and workbooks. `options` say how the file is written,
    where that is not plain; findings what was made of it.
    """

    path: Path
    reader: str
    headers: dict[str, tuple[str, str]]
    separator: str | None = None
    options: FileOptions = PLAIN
    findings: tuple[str, ...] = ()
    twins: tuple[Twins, ...] = ()


@contextmanager
def opened(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    options: FileOptions,
    wanted: Wanted,
    temp_dir: Path,
    extension_dir: Path,
) -> Iterator[OpenFile]:
    """The file as a relation, for as long as the context lasts.

    `wanted` are the headers that are looked for: they tell the line of headers from titles above
    it. LandingError for a file that may not be read, is truncated, or cannot be made out.
    """
    check_sound(path)
    kind = _kind(path)
    if kind == "parquet":
        check_parquet_size(path)
        yield _parquet(connection, path)
        return

    temp_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="delivered-", dir=temp_dir) as name:
        folder = Path(name)
        if kind == "workbook":
            check_workbook_size(path)
            yield _workbook(path, folder, options, wanted, extension_dir)
        else:
            yield _text(path, path, folder, options, wanted)


def _kind(path: Path) -> str:
    """What a file is, from its first bytes; names are."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return "parquet"

    # By its first bytes: people rename files, and an Excel file named .csv is common.
    with path.open("rb") as file:
        start = file.read(8)

    if start.startswith(b"PAR1"):
        return "parquet"

    for mark, cause in FOREIGN_KINDS.items():
        if start.lower().startswith(mark):
            raise OtherKind(f"{path}: {cause}; {UNTOUCHED}")

    if suffix == ".xlsx" or start.startswith(WORKBOOK_PART):
        return "workbook"

    return "text"


def _workbook(
    path: Path, folder: Path, options: FileOptions, wanted: Wanted, extension_dir: Path
) -> OpenFile:
    sheet = chosen_sheet(path, options.sheet)
    text = folder / "sheet.csv"
    write_sheet(path, sheet, text, extension_dir=extension_dir)
    given = FileOptions(
        separator=",",
        quote='"',
        skip=options.skip,
    )
    file = _text(path, text, folder, given, wanted)
    findings = file.findings

    if options.sheet is None:
        said = f"sheet {sheet.name!r} was read; `sheet:` in the spec changes it"
        findings = (said, *findings)

    return OpenFile(
        path,
        file.reader,
        file.headers,
        options=FileOptions(sheet=options.sheet, skip=options.skip),
        findings=findings,
        twins=file.twins,
    )


def _text(named: Path, path: Path, folder: Path, options: FileOptions, wanted: Wanted) -> OpenFile:
    table = plain_table(
        path,
        folder,
        options=options,
        wanted=wanted,
        named=named,
    )
    columns = {}
    types = []
    for header in table.layout.headers:
        columns[normalised(header)] = (header, "VARCHAR")
        types.append(f"{literal(header)}: 'VARCHAR'")

    dialect = f"header = true, delim = {literal(table.separator)}, quote = '\"', escape = '\"'"
    compression = "gzip" if is_gzip(table.path) else "none"
    # DuckDB's detection depends on the rows that it samples, so one column could change type by
    # month.
    how = (
        f"auto_detect = false, {dialect}, columns = {{{', '.join(types)}}}, "
        f"compression = '{compression}'"
    )
    return OpenFile(
        named,
        read_csv(table.path, how),
        columns,
        separator=table.layout.dialect.separator,
        options=table.options,
        findings=table.findings,
        twins=table.layout.twins,
    )


def _parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> OpenFile:
    """Names that occur twice are told apart; a reader that needs one of them refuses the file."""
    try:
        names = parquet.read_schema(path).names
    except (pyarrow.ArrowInvalid, OSError):
        raise LandingError(f"{path}: cannot be read: {NO_PARQUET}; {UNTOUCHED}") from None

    headers, twins = distinct(names)
    if not headers:
        raise LandingError(f"{path}: the file has no columns; deliver it again")

    reader = read_parquet(path)
    try:
        described = connection.execute(f"describe select * from {reader}").fetchall()
    except duckdb.Error:
        raise LandingError(f"{path}: cannot be read: {NO_PARQUET}; {UNTOUCHED}") from None

    if twins:
        # DuckDB numbers names that occur twice in a way of its own.
        its_names = [identifier(row[0]) for row in described]
        renamed = select_list(dict(zip(headers, its_names, strict=True)))
        reader = f"(select {renamed} from {reader})"
        names = headers

    columns = {}
    for name, row in zip(names, described, strict=True):
        columns[normalised(name)] = (name, row[1])

    return OpenFile(path, reader, columns, findings=tuple(twins_finding(twins)), twins=tuple(twins))
