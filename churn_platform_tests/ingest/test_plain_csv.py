"""Delivered tables of every usual kind become the same plain rows, and what was done is said."""

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.open_file import OpenFile, opened
from churn_platform.ingest.text_layout import Wanted
from churn_platform.portfolios.spec import FileOptions

HEADERS = ["id", "fee", "city", "churn"]
ROWS = [
    ["C01", "62.44", "K\u00f6ln", "No"],
    ["C02", "9.5", "Graz, Nord", "Yes"],
    ["C03", "7", "Z\u00fcrich", "No"],
    ["C04", "", "", "Yes"],
]
PLAIN = (
    'id,fee,city,churn\nC01,62.44,K\u00f6ln,No\nC02,9.5,"Graz, Nord",Yes\n'
    "C03,7,Z\u00fcrich,No\nC04,,,Yes\n"
)
SEMICOLONS = PLAIN.replace('"Graz, Nord"', "Graz# Nord").replace(",", ";").replace("#", ",")
HEADER_LINE = "id,fee,city,churn\n"
WANTED = Wanted(frozenset({"id", "churn"}), "id")

Open = Callable[..., AbstractContextManager[OpenFile]]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """A database in memory."""
    return duckdb.connect()


@pytest.fixture
def deliver(connection: duckdb.DuckDBPyConnection, tmp_path: Path, extensions: Path) -> Open:
    """Opens bytes as a file of that name."""

    def opening(
        content: bytes | str, name: str = "given.csv", **said: str | int
    ) -> AbstractContextManager[OpenFile]:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return opened(
            connection,
            path,
            options=FileOptions(**said),  # type: ignore[arg-type]
            wanted=WANTED,
            temp_dir=tmp_path / "tmp",
            extension_dir=extensions,
        )

    return opening


def rows_of(connection: duckdb.DuckDBPyConnection, file: OpenFile) -> list[list[str]]:
    """The rows as text, an empty one for what is missing."""
    found = connection.execute(f"from {file.reader}").fetchall()
    return [[value or "" for value in row] for row in found]


ODD_FILES = {
    "plain": ("given.csv", PLAIN, None),
    "byte-order mark": ("given.csv", PLAIN.encode("utf-8-sig"), None),
    "upper case name": ("GIVEN.CSV", PLAIN, None),
    "gzip": ("given.csv.gz", gzip.compress(PLAIN.encode()), None),
    "gzip under another name": ("given.csv", gzip.compress(PLAIN.encode()), None),
    "cp1252": (
        "given.csv",
        PLAIN.encode("cp1252"),
        "read as cp1252, guessed from its letters, for example K\u00f6ln",
    ),
    "utf-16": ("given.csv", PLAIN.encode("utf-16"), "read as utf-16, by its byte-order mark"),
    "utf-16 without a mark": (
        "given.csv",
        PLAIN.encode("utf-16-le"),
        "read as utf-16-le, by its NUL bytes",
    ),
    "utf-16 big-endian": (
        "given.csv",
        PLAIN.encode("utf-16-be"),
        "read as utf-16-be, by its NUL bytes",
    ),
    "utf-32": ("given.csv", PLAIN.encode("utf-32"), "read as utf-32, by its byte-order mark"),
    "semicolons": ("given.csv", SEMICOLONS, "fields are cut at each semicolon"),
    "tabs": ("given.tsv", SEMICOLONS.replace(";", "\t"), "fields are cut at each tab"),
    "bars": ("given.txt", SEMICOLONS.replace(";", "|"), "fields are cut at each vertical bar"),
    "carets": ("given.txt", SEMICOLONS.replace(";", "^"), "fields are cut at each '^'"),
    "Excel's hint": (
        "given.csv",
        "sep=;\r\n" + SEMICOLONS.replace("\n", "\r\n"),
        "line 1 names the separator: 'sep=;'",
    ),
    "CR alone": ("given.csv", PLAIN.replace("\n", "\r"), "lines end in CR alone"),
    "CRLF and LF": ("given.csv", PLAIN.replace("\n", "\r\n", 2), None),
    "title": (
        "given.csv",
        "Customer export\n\n" + PLAIN,
        "are in line 3; above them: 'Customer export'",
    ),
    "padded title": (
        "given.csv",
        "Report,,,\n,,,\n" + PLAIN,
        "are in line 3; above them: 'Report'",
    ),
    "title with commas": ("given.csv", "Report, January, 2025, all\n" + PLAIN, "are in line 2"),
    "blank first line": ("given.csv", "\n" + PLAIN, "are in line 2; above them: blank lines"),
    "rows affected": (
        "given.csv",
        PLAIN + "\n(4 rows affected)\n",
        "line 7 closes the file and was left out",
    ),
    "rows in set": ("given.csv", PLAIN + "4 rows in set (0.00 sec)\n", "line 6 closes the file"),
    "two remarks": (
        "given.csv",
        PLAIN + "\nMade by X 4.2, page 1\nSecret\n",
        "line 8 closes the file",
    ),
    "total": ("given.csv", PLAIN + "Total,78.94,,\n", "left out: 'Total,78.94,,'"),
    "total without a word": ("given.csv", PLAIN + ",78.94,,\n", "left out: ',78.94,,'"),
    "blank rows": ("given.csv", PLAIN + ",,,\n,,,\n", "2 rows without any value were left out"),
    "headers again": (
        "given.csv",
        PLAIN.replace("C03", "id,fee,city,churn\nC03"),
        "the headers are there 2 times",
    ),
    "backslashes": (
        "given.csv",
        PLAIN.replace('"Graz, Nord"', '"Graz\\, Nord"').replace("\\", ""),
        None,
    ),
    "blank before a quote": ("given.csv", PLAIN.replace(',"Graz', ', "Graz'), None),
    "single quotes": (
        "given.csv",
        "'id','fee','city','churn'\n'C01',62.44,'K\u00f6ln','No'\n'C02',9.5,'Graz, Nord','Yes'\n"
        "'C03',7,'Z\u00fcrich','No'\n'C04',,'','Yes'\n",
        "values are in ' marks",
    ),
}


@pytest.mark.parametrize("case", ODD_FILES)
def test_every_usual_kind_gives_the_same_rows(
    deliver: Open, connection: duckdb.DuckDBPyConnection, case: str
) -> None:
    """Whatever stands around, between and behind the values, they are the same; what was done is
    said.
    """
    name, content, finding = ODD_FILES[case]
    with deliver(content, name) as file:
        assert rows_of(connection, file) == ROWS
        assert list(file.headers) == HEADERS
        said = "; ".join(file.findings)
    assert (finding in said) if finding else not said


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1252", ["Malm\u00f6"]),
        ("cp1250", ["\u0141\u00f3d\u017a", "Krak\u00f3w", "Gda\u0144sk"]),
        ("cp1251", ["\u041c\u043e\u0441\u043a\u0432\u0430"]),
        ("cp932", ["\u6771\u4eac", "\u5927\u962a", "\u540d\u53e4\u5c4b"]),
    ],
)
def test_letters_of_other_alphabets_are_told_apart(
    deliver: Open, connection: duckdb.DuckDBPyConnection, encoding: str, words: list[str]
) -> None:
    """Swedish, Polish, Russian and Japanese exports of Windows are read by their letters."""
    rows = [f"C{number},1,{words[number % len(words)]},No\n" for number in range(30)]
    with deliver((HEADER_LINE + "".join(rows)).encode(encoding)) as file:
        assert rows_of(connection, file)[0][2] == words[0]
        assert file.options.encoding == encoding


@pytest.mark.parametrize(
    ("content", "headers", "finding"),
    [
        (
            "id,fee,fee,churn\nA,1,2,No\n",
            ["id", "fee", "fee_2", "churn"],
            "the second is called 'fee_2'",
        ),
        (
            "id,Day Mins,Day_Mins,churn\nA,1,2,No\n",
            ["id", "Day Mins", "Day_Mins_2", "churn"],
            "are one name",
        ),
        ('id,"monthly\nfee",a,churn\nA,1,2,No\n', ["id", "monthly fee", "a", "churn"], ""),
        (
            "id,fee,,churn\nA,1,2,No\n",
            ["id", "fee", "column3", "churn"],
            "without a header are called 'column3'",
        ),
        (",id,fee,churn\n1,A,2,No\n", ["column1", "id", "fee", "churn"], "'column1'"),
        ('id,fee,churn\n"1",A,2,No\n"2",B,3,Yes\n', ["column1", "id", "fee", "churn"], ""),
        ("id,fee,churn\nA,2,No,\nB,3,Yes,\n", ["id", "fee", "churn", "column4"], "'column4'"),
    ],
)
def test_headers_are_made_distinct(
    deliver: Open, content: str, headers: list[str], finding: str
) -> None:
    """Names that occur twice are numbered by place, unnamed columns are named, one with a line end
    is one line.
    """
    with deliver(content) as file:
        assert [header for header, _ in file.headers.values()] == headers
        assert finding in "; ".join(file.findings)


@pytest.mark.parametrize(
    ("escaped", "value"),
    [
        ('"said \\"no\\", twice"', 'said "no", twice'),
        ('"a\\\\b \\"c\\""', 'a\\b "c"'),
        ("\\N", "\\N"),
    ],
)
def test_backslashes_before_quotes_are_understood(
    deliver: Open, connection: duckdb.DuckDBPyConnection, escaped: str, value: str
) -> None:
    """As MySQL writes them, also where the first stands far below the head of the file; its \\N
    stays what it is.
    """
    far = "".join(f'C{number},1,"x",No\n' for number in range(20_000))
    for before in ("", far):
        with deliver(f"{HEADER_LINE}{before}D1,1,{escaped},No\n") as file:
            assert rows_of(connection, file)[-1][2] == value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN[:-6], "line 5: the line has too few or too many fields; it may be truncated"),
        (PLAIN + "C0", "line 6: the line has too few or too many fields; it may be truncated"),
        (PLAIN + "C05,1\n", "line 6: the line has too few or too many fields"),
        (PLAIN + "Total,1,,\nC05,1\n", "line 7: the line has too few or too many fields"),
        (
            PLAIN.encode()[: PLAIN.encode().index(b"\xb6")],
            "ends within a letter, so it is truncated",
        ),
        (PLAIN.replace('Nord"', "Nord"), "a quotation mark is not closed"),
        (b"<html><table></table></html>", "is a web page; save the table as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "is an old or encrypted Excel file"),
        (b"PK\x03\x04" + b"\0" * 100, "no Excel workbook, or a damaged one"),
    ],
)
def test_what_cannot_be_a_table_is_refused(
    deliver: Open, connection: duckdb.DuckDBPyConnection, content: bytes | str, said: str
) -> None:
    """A file that is cut short is no file with a closing line; foreign kinds are told by their
    first bytes.
    """
    with pytest.raises((LandingError, duckdb.Error)) as error, deliver(content) as file:
        rows_of(connection, file)
    assert said in str(error.value) or "CSV Error" in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SEMICOLONS.replace(";", "~"), {"separator": "~"}),
        ("a\nb\n" + PLAIN, {"skip": 2}),
        (PLAIN.encode("cp1250"), {"encoding": "cp1250"}),
        (PLAIN.encode("utf-16-le"), {"encoding": "utf-16-le"}),
    ],
)
def test_what_is_said_is_obeyed(
    deliver: Open,
    connection: duckdb.DuckDBPyConnection,
    content: bytes | str,
    said: dict[str, str | int],
) -> None:
    """Separator, lines to skip and encoding may be given."""
    with deliver(content, **said) as file:
        assert rows_of(connection, file) == ROWS


@pytest.mark.parametrize(
    "said", [{"separator": ";"}, {"skip": 3}, {"encoding": "cp1252"}, {"quote": "'"}]
)
def test_another_month_may_be_written_in_another_way(
    deliver: Open, connection: duckdb.DuckDBPyConnection, said: dict[str, str | int]
) -> None:
    """What the spec says of the first file does not spoil a later one that is plain."""
    with deliver(PLAIN, **said) as file:
        assert rows_of(connection, file) == ROWS


def test_an_encoding_that_does_not_fit_is_refused_with_another(deliver: Open) -> None:
    """The message names the encoding and where another may be said."""
    content = PLAIN.encode("cp1252") + b"C05,1,\x81,No\n"
    with pytest.raises(
        LandingError, match=r"cannot be read as cp1252, as said: .*`--encoding` of `churn onboard`"
    ):
        deliver(content, encoding="cp1252").__enter__()


def test_a_large_plain_file_is_read_where_it_lies(deliver: Open, tmp_path: Path) -> None:
    """Also if a piece of it ends between CR and LF."""
    row = "C1,1,x,No" + "y" * 8
    for width in (17, 18):
        with deliver((HEADER_LINE + (row[:width] + "\n") * 120_000).replace("\n", "\r\n")) as file:
            assert str(tmp_path / "tmp") not in file.reader


def test_the_copy_is_gone_when_the_file_is_closed(deliver: Open, tmp_path: Path) -> None:
    """Nothing of an odd file stays behind in the working folder."""
    with deliver(PLAIN.encode("utf-16")) as file:
        assert str(tmp_path / "tmp") in file.reader
    assert list((tmp_path / "tmp").iterdir()) == []
