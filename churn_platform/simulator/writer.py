"""Parquet files whose bytes depend on the rows alone: fixed settings, row groups of a fixed minimum
size.
"""

from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from churn_platform.simulator.identifiers import row_ids

MIN_GROUP_ROWS = 250_000  # large enough to scan fast, small enough that a group costs little memory


class ParquetFile:
    """A file that appears under its name only when complete; small batches are gathered into row
    groups.
    """

    def __init__(self, path: Path, schema: pa.Schema):
        self._path = path
        self._unfinished = path.with_name(path.name + ".unfinished")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(
            self._unfinished,
            schema,
            compression="snappy",
            use_dictionary=[field.name for field in schema if pa.types.is_dictionary(field.type)],
            # or readers would see Arrow dictionaries where the contract says string
            store_schema=False,
        )
        self._schema = schema
        self._waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Add rows after those already there."""
        self._waiting.append(batch)
        self.rows += batch.num_rows
        if sum(waiting.num_rows for waiting in self._waiting) >= MIN_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        # Each batch has a dictionary of its own; Parquet wants one for each row group.
        table = pa.Table.from_batches(self._waiting, self._schema).unify_dictionaries()
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._waiting = []

    def __enter__(self) -> "ParquetFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None and self._waiting:
            self._flush()

        self._writer.close()
        if kind is None:
            # The landing sensor must never see a file that is still being written.
            self._unfinished.replace(self._path)
        else:
            self._unfinished.unlink()


def append_numbered(file: ParquetFile, batch: pa.RecordBatch, key: str, month_number: int) -> None:
    """Add rows with ids that follow the file's last one, in a first column named `key`."""
    ids = row_ids(month_number, file.rows, batch.num_rows)
    file.append(pa.record_batch([ids, *batch.columns], names=[key, *batch.schema.names]))
