"""Refuses Parquet files and workbooks that would unpack to beyond reason, from what their own
directories say, before anything is unpacked. Gzip has no directory: `soundness.py` counts.

Not seen here is one long text that a Parquet file repeats by its dictionary; DuckDB's memory limit
ends that.
"""

import zipfile
from pathlib import Path

import pyarrow
from pyarrow import parquet

from churn_platform.errors import LandingError
from churn_platform.ingest.soundness import (
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    RATIO_WINDOW_BYTES,
    UNTOUCHED,
)

# Repeated values take next to no bytes, so bytes alone tell nothing. A table of customers or calls
# has about one value a byte, and 10 where most columns are constant; repetition alone has 200.
FEW_VALUES = 100_000_000
MAX_VALUES_PER_BYTE = 100


def check_parquet_size(path: Path) -> None:
    """LandingError for a Parquet file with more values or bytes than its size can mean."""
    try:
        metadata = parquet.read_metadata(path)
    except (pyarrow.ArrowInvalid, OSError):
        return  # whoever opens it says what is wrong with it

    packed = path.stat().st_size
    values = metadata.num_rows * metadata.num_columns
    if values > FEW_VALUES and values > MAX_VALUES_PER_BYTE * packed:
        raise LandingError(
            f"{path}: claims {metadata.num_rows:,} rows in {packed:,} bytes, more than "
            f"{MAX_VALUES_PER_BYTE} values a byte, as in a bomb; deliver it as CSV, {UNTOUCHED}"
        )

    groups = range(metadata.num_row_groups)
    _check(path, packed, sum(metadata.row_group(group).total_byte_size for group in groups))


def check_workbook_size(path: Path) -> None:
    """LandingError for a workbook that unpacks to more than its size can mean."""
    try:
        with zipfile.ZipFile(path) as book:
            unpacked = sum(part.file_size for part in book.infolist())
    except (zipfile.BadZipFile, OSError):
        return  # whoever opens it says what is wrong with it

    _check(path, path.stat().st_size, unpacked)


def _check(path: Path, packed: int, unpacked: int) -> None:
    if unpacked > MAX_UNPACKED_BYTES:
        raise LandingError(
            f"{path}: unpacks to {unpacked:,} bytes, more than {MAX_UNPACKED_BYTES:,}; "
            f"deliver the month in parts, {UNTOUCHED}"
        )
    # The size of the file, not what its directory claims: parts of an archive may share bytes.
    if unpacked > RATIO_WINDOW_BYTES and unpacked > MAX_RATIO * packed:
        raise LandingError(
            f"{path}: {unpacked:,} bytes unpack from {packed:,}, more than {MAX_RATIO} times as "
            f"many, as in a bomb; deliver it unpacked, {UNTOUCHED}"
        )
