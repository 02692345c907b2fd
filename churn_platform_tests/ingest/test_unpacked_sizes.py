"""A file that would unpack to beyond reason is refused before it is unpacked."""

import zipfile

import duckdb
import pyarrow
import pytest
from pyarrow import parquet

from churn_platform.errors import LandingError
from churn_platform.ingest import unpacked_sizes
from churn_platform.ingest.open_file import PLAIN, opened
from churn_platform.ingest.unpacked_sizes import check_parquet_size


def bomb(path):
    """A million equal values in a few thousand bytes."""
    parquet.write_table(pyarrow.table({"a": pyarrow.repeat(7, 1_000_000)}), path)
    assert path.stat().st_size < 8_000
    return path


def read(path, folder):
    """The file as ingest opens it."""
    how = {"options": PLAIN, "wanted": [], "temp_dir": folder, "extension_dir": folder}
    with duckdb.connect() as connection, opened(connection, path, **how):
        pass


def test_a_parquet_file_of_repeated_values_is_a_bomb(tmp_path, monkeypatch):
    """Its bytes are few however many rows it has; whoever opens it is told rows and bytes."""
    monkeypatch.setattr(unpacked_sizes, "FEW_VALUES", 1_000)
    path = bomb(tmp_path / "2025-01.parquet")
    with pytest.raises(
        LandingError,
        match=r"2025-01\.parquet: claims 1,000,000 rows in [\d,]+ bytes, .* deliver",
    ):
        read(path, tmp_path)


def test_a_small_table_may_repeat_itself(tmp_path):
    """A column of one value is common; only a file of many values is looked at."""
    check_parquet_size(bomb(tmp_path / "2025-01.parquet"))


def test_a_parquet_file_whose_pages_unpack_to_too_much_is_refused(tmp_path, monkeypatch):
    """By its directory, which has the size of each group of rows."""
    monkeypatch.setattr(unpacked_sizes, "RATIO_WINDOW_BYTES", 1_000)
    path = tmp_path / "2025-01.parquet"
    table = pyarrow.table({"a": ["x" * 1_000_000] * 3})
    parquet.write_table(table, path, use_dictionary=False, compression="zstd")
    with pytest.raises(LandingError, match=r"unpack from .* more than 500 times as many"):
        check_parquet_size(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    """A workbook is an archive."""
    monkeypatch.setattr(unpacked_sizes, "RATIO_WINDOW_BYTES", 1_000)
    path = tmp_path / "2025-01.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b" " * 3_000_000)
    with pytest.raises(LandingError, match=r"2025-01\.xlsx: 3,000,000 bytes unpack from"):
        read(path, tmp_path)


def test_more_bytes_than_any_month_has_are_refused(tmp_path, monkeypatch):
    """Whatever the ratio."""
    monkeypatch.setattr(unpacked_sizes, "MAX_UNPACKED_BYTES", 10)
    path = tmp_path / "2025-01.parquet"
    parquet.write_table(pyarrow.table({"a": [1, 2, 3]}), path)
    with pytest.raises(LandingError, match="more than 10; deliver the month in parts"):
        check_parquet_size(path)
