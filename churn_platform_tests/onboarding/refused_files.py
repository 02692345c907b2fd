"""One file and command for each refusal of `churn onboard`, with the next command that it names."""

import gzip
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from churn_platform.ingest import open_file, soundness, workbook, workbook_sheets
from churn_platform_tests.support.workbooks import write_workbook

GOOD = "id,x,churn\n" + "".join(
    f"C{row},{row % 5},{'Yes' if row % 4 else 'No'}\n" for row in range(8)
)
Prepare = Callable[[Path, pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Refused:
    """A refusal: the words of it that docs/onboarding.md lists, how it comes about, and what the
    next command has.
    """

    said: str
    content: str | bytes | Prepare = GOOD
    options: Mapping[str, str] = field(default_factory=dict)
    then: str = "--name acme --id id --label churn"
    file_name: str = "given.csv"

    def write(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The file in the folder."""
        file = folder / self.file_name
        if callable(self.content):
            self.content(file, monkeypatch)
        elif isinstance(self.content, bytes):
            file.write_bytes(self.content)
        else:
            file.write_text(self.content, encoding="utf-8")
        return file

    def words(self, file: Path) -> list[str]:
        """The command line."""
        given = {"--name": "acme", "--id": "id", "--label": "churn", **self.options}
        return ["onboard", str(file), *(word for option in given.items() for word in option)]


def label_of(*values: str, **options: Any) -> dict[str, Any]:
    """A file whose label has these values, the first ones most often."""
    rows = [value for place, value in enumerate(values) for _ in range(len(values) - place + 1)]
    lines = [f"C{row},{row % 5},{value}" for row, value in enumerate(rows)]
    return {"content": "\n".join(["id,x,churn", *lines, ""]), **options}


def column_of(*values: str) -> str:
    """A file with a column of these values."""
    lines = [
        f"C{row}|{values[row % len(values)]}|{'Yes' if row % 4 else 'No'}" for row in range(20)
    ]
    return "\n".join(["id|x|churn", *lines, ""])


def folder(file: Path, _: pytest.MonkeyPatch) -> None:
    """A folder in place of the file."""
    file.mkdir()
    (file / "own.csv").write_text(GOOD)


def link(file: Path, _: pytest.MonkeyPatch) -> None:
    """A link to nothing."""
    file.symlink_to(file.parent / "gone.csv")


def pipe(file: Path, _: pytest.MonkeyPatch) -> None:
    """A named pipe."""
    os.mkfifo(file)


def near(file: Path, _: pytest.MonkeyPatch) -> None:
    """Another file with nearly the name."""
    (file.parent / "givenn.csv").write_text(GOOD)


def locked(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read; root may read all, so permission is denied by hand."""
    file.write_text(GOOD)
    monkeypatch.setattr(soundness.os, "access", lambda *_: False)


def long_line(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond reason."""
    monkeypatch.setattr(soundness, "MAX_LINE_BYTES", 50)
    monkeypatch.setattr(soundness, "CHUNK_BYTES", 40)
    file.write_text(GOOD + "C9," + "9" * 90 + ",No\n")


def cut_gzip(file: Path, _: pytest.MonkeyPatch) -> None:
    """A packed file that is cut short."""
    file.write_bytes(gzip.compress(GOOD.encode())[:-20])


def large_gzip(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed file that unpacks to too much."""
    monkeypatch.setattr(soundness, "MAX_UNPACKED_BYTES", 20)
    file.write_bytes(gzip.compress(GOOD.encode()))


def bomb(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packed file that unpacks to many times its size."""
    monkeypatch.setattr(soundness, "RATIO_WINDOW_BYTES", 10)
    monkeypatch.setattr(soundness, "MAX_RATIO", 1)
    file.write_bytes(gzip.compress(GOOD.encode() * 200))


def parquet_without_columns(file: Path, _: pytest.MonkeyPatch) -> None:
    """A Parquet file without columns."""
    pa.parquet.write_table(pa.table({}), file)


def damaged_parquet(file: Path, _: pytest.MonkeyPatch) -> None:
    """A Parquet file whose pages are damaged, and whose headers are not."""
    table = pa.table({"id": ["A"] * 9, "x": np.arange(9), "churn": ["Yes"] * 9})
    pa.parquet.write_table(table, file)
    content = bytearray(file.read_bytes())
    content[4:60] = b"\xff" * 56  # the pages; headers and footer stay
    file.write_bytes(content)


def headless_parquet(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Parquet file whose headers pyarrow reads and DuckDB does not."""
    file.write_bytes(b"PAR1 no")
    schema = pa.schema([("id", "string")])
    monkeypatch.setattr(open_file.parquet, "read_schema", lambda _: schema)


def sheets(*names: str, rows: bool = True) -> Prepare:
    """A workbook with sheets of these names."""

    def write(file: Path, _: pytest.MonkeyPatch) -> None:
        table = [["id", "x", "churn"], ["A", 1, "Yes"]] if rows else []
        write_workbook(file, dict.fromkeys(names, table))

    return write


def huge_sheet(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook with a sheet that unpacks to too much."""
    sheets("Data")(file, monkeypatch)
    monkeypatch.setattr(workbook_sheets, "MAX_SHEET_BYTES", 1)


def unreadable_sheet(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook whose sheet DuckDB cannot read."""
    sheets("Data")(file, monkeypatch)
    monkeypatch.setattr(workbook, "NUMBER", "no_such_function({column})")


REFUSALS = (
    # the name
    Refused("is not usable", options={"--name": "Acme Ltd"}, then="--name acme_ltd --id id"),
    Refused(
        "is a path of the service", options={"--name": "models"}, then="--name models_customers"
    ),
    Refused(
        "exists already; choose another name",
        options={"--name": "telecomit"},
        then="--name telecomit_2",
    ),
    Refused(
        "exists already; replace it", options={"--name": "taken"}, then="--label churn --overwrite"
    ),
    # options
    Refused(
        "the file cannot be read so", options={"--encoding": "utf-99"}, then="--encoding cp1252"
    ),
    Refused("is none of", options={"--date-order": "dayfirst"}, then="--date-order day-first"),
    Refused(
        "--decimal and --thousands are both",
        options={"--decimal": ",", "--thousands": ","},
        then="--thousands .",
    ),
    Refused(
        "is given as --positive and as --negative",
        options={"--positive": "Yes", "--negative": "Yes"},
        then="--label churn --positive Yes",
    ),
    # the path
    Refused("no such file", near, file_name="given.csv", then="givenn.csv --name acme"),
    Refused("is a folder", folder, then="given.csv/own.csv --name acme"),
    Refused("where no file is", link),
    Refused("is a pipe or a device", pipe),
    Refused("no permission to read it", locked),
    Refused("no file of a known kind", file_name="given.doc", then="given.csv --name acme"),
    Refused("the file is empty", ""),
    # what is no table
    Refused(
        "is an old or encrypted Excel file",
        b"\xd0\xcf\x11\xe0" * 9,
        file_name="given.xlsx",
        then="given.csv --name acme",
    ),
    Refused(
        "no Excel workbook, or a damaged one",
        b"PK\x03\x04damaged",
        file_name="given.xlsx",
        then="given.csv --name acme",
    ),
    Refused(
        "no Excel workbook, or a damaged one",
        huge_sheet,
        file_name="given.xlsx",
        then="given.csv --name acme",
    ),
    Refused(
        "sheet 'Data' cannot be read",
        unreadable_sheet,
        file_name="given.xlsx",
        then="given.csv --name acme",
    ),
    Refused("it is truncated or not Parquet", b"PAR1 no", file_name="given.parquet"),
    Refused("it is truncated or not Parquet", damaged_parquet, file_name="given.parquet"),
    Refused("the file has no columns", parquet_without_columns, file_name="given.parquet"),
    Refused("it is truncated or not gzip", cut_gzip, file_name="given.csv.gz"),
    Refused("unpacks to more than", large_gzip, file_name="given.csv.gz"),
    Refused("as in a gzip bomb", bomb, file_name="given.csv.gz"),
    Refused("it is truncated or not Parquet", headless_parquet, file_name="given.parquet"),
    # sheets and encodings
    Refused(
        "the file has 2 sheets",
        sheets("Notes", "Data"),
        file_name="given.xlsx",
        then="--sheet Notes",
    ),
    Refused(
        "there is no sheet",
        sheets("Data"),
        {"--sheet": "Date"},
        file_name="given.xlsx",
        then="--sheet Data",
    ),
    Refused("the file has 0 sheets", sheets("Data", rows=False), file_name="given.xlsx"),
    Refused(
        "cannot be read as",
        b"id,x,churn\nA,\x81,Yes\nB,b,No\n",
        {"--encoding": "cp1252"},
        then="--encoding latin-1",
    ),
    Refused(
        "cannot be read as",
        b"id,x,churn\nA,\xfc,Yes\nB,b,No\n",
        {"--encoding": "utf-8"},
        then="--encoding cp1252",
    ),
    Refused("ends within a letter", GOOD.encode() + b"C9,\xc3"),
    Refused("holds a NUL byte", GOOD.encode() + b"C9,1\0,No\n"),
    # lines
    Refused("shorten its longest field", long_line),
    Refused("the first line is empty", "\n\n\n"),
    Refused("put the headers there alone", "x" * ((1 << 20) + 9)),
    Refused("close their quotation marks", "id,x,churn," + "y" * 1_200 + "\nA,1,Yes,2\n"),
    Refused("the line has too few or too many fields", GOOD + "C9,1\nC10,1,Yes\n"),
    Refused("a quotation mark is not closed", 'id,x,churn\r\nA,"1,Yes\nB,2,No\n'),
    Refused("the line has too few or too many fields", "Customers\n" + GOOD + "C9\nC10,1,Yes\n"),
    # columns and ids
    Refused("there is no column", options={"--label": "churned"}, then="--label churn or"),
    Refused("there is no column", options={"--protected": "Sex"}, then="--label churn or"),
    Refused("there is no column", options={"--protected": "x2"}, then="--protected x"),
    Refused("is given as id and as label", options={"--id": "churn"}, then="--id churn --label id"),
    Refused("the file has headers but no rows", "id,x,churn\n"),
    Refused("rows have no", GOOD + ",1,Yes\nC99,1,Yes\n"),
    Refused("ids that occur more than once", GOOD.replace("C7", "C6")),
    Refused("no column can be a feature", "id,churn\nA,Yes\nB,No\n"),
    # the label
    Refused("has no value", options={"--positive": "yes"}, then="--positive Yes --negative No"),
    Refused(
        "also has",
        **label_of("No", "Yes", "Moved"),
        options={"--positive": "Yes", "--negative": "No"},
        then="--positive Yes --negative No --ignore Moved",
    ),
    Refused("say which is which", **label_of("blue", "red"), then="--positive red --negative blue"),
    Refused(
        "say those that mean churned",
        **label_of(*(f"reason {n}" for n in range(12))),
        then="--positive 'reason 11'",
    ),
    Refused("leave unknown labels blank", **label_of("Yes")),
    Refused("leave unknown labels blank", **label_of("Yes"), options={"--positive": "Yes"}),
    Refused(
        "its name does not say whether",
        GOOD.replace("churn", "flag"),
        {"--label": "flag"},
        then="--label flag --positive Yes --negative No",
    ),
    # numbers and days
    Refused(
        "before decimals or between", column_of("1.234", "5.678"), then="--decimal , --thousands ."
    ),
    Refused(
        "whether the day or the month is first",
        column_of("03/11/2018", "05/01/2016"),
        then="--date-order day-first",
    ),
)
