"""An operator's file is rewritten without erased customers, and is else the same file."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from churn_platform.erasure.erased_files import clean, deliveries_to_clean
from churn_platform.ingest.hashing import set_keys
from churn_platform.ingest.suppression import suppress
from churn_platform.warehouse.lake import connect
from churn_platform_tests.erasure.conftest import ADA, BOB, KEY, World
from churn_platform_tests.support.tiny import APRIL, TINY
from churn_platform_tests.support.workbooks import write_workbook

HEADERS = ["customer_id", "phone_number", "Plan price", "Note, by hand"]
ROWS = [
    [BOB, "+393331110002", "09.50", 'a "quoted"; note, søn'],
    [ADA, "+393331110001", "1e3", ""],
    [f"{ADA}1", "+393331110003", "", "two\nlines"],
]


@pytest.fixture
def connection(lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake that knows Ada as erased, and nothing else."""
    with closing(connect(lake)) as connection:
        set_keys(connection, KEY)
        suppress(connection, "tiny", APRIL, customer_id=ADA, numbers=[])
        yield connection


def as_text(separator: str) -> bytes:
    """The rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([HEADERS, *ROWS])
    return text.getvalue().encode()


def write_file(path: Path, separator: str) -> None:
    """The rows in a file of the kind that its name says."""
    path.parent.mkdir(parents=True)
    if path.suffix == ".parquet":
        options = arrow_csv.ParseOptions(newlines_in_values=True)
        parquet.write_table(
            arrow_csv.read_csv(io.BytesIO(as_text(",")), parse_options=options), path
        )
    else:
        path.write_bytes(
            gzip.compress(as_text(separator)) if path.suffix == ".gz" else as_text(separator)
        )


def read_file(path: Path, separator: str) -> list[list[object]]:
    """Headers and rows of a file."""
    if path.suffix == ".parquet":
        table = parquet.read_table(path)
        return [table.column_names, *(list(row.values()) for row in table.to_pylist())]
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(content.decode()), delimiter=separator))


@pytest.mark.parametrize(
    ("name", "separator"),
    [("2025-03.csv", ","), ("2025-03.csv", ";"), ("2025-03.csv.gz", "\t"), ("2025-03.parquet", "")],
)
def test_a_file_keeps_its_kind_and_every_other_value(connection, lake, tmp_path, name, separator):
    """Numbers as they were written, quotes, accents, line breaks and headers; only Ada's row is
    gone.
    """
    path = tmp_path / "tiny" / "customers" / name
    write_file(path, separator)
    before = read_file(path, separator)
    for delivery in deliveries_to_clean(connection, lake, tmp_path, TINY):
        clean(connection, delivery)
    assert read_file(path, separator) == [before[0], before[1], before[3]]
    assert [found.name for found in path.parent.iterdir()] == [name]
    assert list(deliveries_to_clean(connection, lake, tmp_path, TINY)) == []


@pytest.mark.parametrize("name", ["2025-03.txt", "2025-03.xlsx"])
def test_an_odd_file_is_cleaned_as_well(connection, lake, tmp_path, name):
    """Text stays text, now in UTF-8; of a workbook Parquet is made, which needs no options."""
    path = tmp_path / "tiny" / "customers" / name
    write_file(path.with_suffix(".csv"), ";")
    text = path.with_suffix(".csv").read_bytes().decode()
    path.with_suffix(".csv").unlink()
    if path.suffix == ".xlsx":
        write_workbook(path, {"Sheet": [HEADERS, *ROWS]})
    else:
        path.write_bytes(f"Customers\n\n{text}".encode("cp1252"))
    for delivery in deliveries_to_clean(connection, lake, tmp_path, TINY):
        clean(connection, delivery)
    (cleaned,) = path.parent.iterdir()
    assert cleaned.suffix == {".xlsx": ".parquet"}.get(path.suffix, path.suffix)
    assert [row[0] for row in read_file(cleaned, ";")] == [HEADERS[0], BOB, f"{ADA}1"]
    assert list(deliveries_to_clean(connection, lake, tmp_path, TINY)) == []


def test_files_without_erased_customers_are_left_alone(connection, lake, tmp_path):
    """What is not listed is not touched; files that are no delivery are not even read."""
    folder = tmp_path / "tiny" / "customers"
    folder.mkdir(parents=True)
    (folder / "2025-02.csv").write_text(f"customer_id,phone_number,Plan price\n{BOB},+1,2\n")
    for name in ("notes.csv", "2025-13.csv"):
        (folder / name).write_text(f"customer_id\n{ADA}\n")
    assert list(deliveries_to_clean(connection, lake, tmp_path, TINY)) == []


def test_an_erasure_rewrites_all_deliveries_when_told_to(world: World) -> None:
    """Ada's rows leave the files, and her number leaves Bob's calls; Bob's own rows stay."""
    before = world.erase()
    assert (
        len(before.deliveries) == 5
    )  # the customers of two months, and calls of all three, for Bob calls her
    assert ADA in before.deliveries[0].read_text()
    assert world.erase(rewrite_landing=True).deliveries == before.deliveries
    landing = world.installation.settings.landing_dir
    texts = [path.read_text() for path in landing.rglob("*.csv")]
    assert not any(ADA in text or "+393331110001" in text for text in texts)
    assert sum(text.count(BOB) for text in texts) == 3 + 6
    assert world.erase().deliveries == []
