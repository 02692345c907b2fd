"""The operator's file format: from the portfolio spec to Arrow, so that the shape is written down
in the spec alone.
"""

from importlib.resources import files

import numpy as np
import pyarrow as pa
import yaml

from churn_platform.portfolios.spec import Column, Portfolio, Table
from churn_platform.simulator.chunk import Columns
from churn_platform.simulator.population import NO_DAY
from churn_platform.simulator.tickets import NO_TIME

ARROW_TYPES = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def load_telecomit() -> Portfolio:
    """The portfolio whose landed tables are simulated."""
    text = files("churn_platform.portfolios").joinpath("telecomit.yaml").read_text(encoding="utf-8")
    return Portfolio.model_validate(yaml.safe_load(text))


def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema of a landed table: repeated strings as dictionaries, for
    speed of writing only.
    """
    return pa.schema([(column.header, arrow_type(table, column)) for column in table.columns])


def arrow_type(table: Table, column: Column) -> pa.DataType:
    """Type in which a column is handed to the Parquet writer."""
    if column.levels:
        return pa.dictionary(pa.int8(), pa.string())
    if column.name == table.customer:
        # A customer has some 50 records a month; the id is then written once and referred to.
        return pa.dictionary(pa.int32(), pa.string())
    return ARROW_TYPES[column.type]


def to_batch(table: Table, columns: Columns, customer_ids: pa.StringArray) -> pa.RecordBatch:
    """Rows of `table` but for its own key: columns left out are zero, false or empty.

    `columns` holds codes for levels, positions in `customer_ids` for the customer, days and seconds
    since 1970 for dates and times.
    """
    rows = len(next(iter(columns.values())))
    arrays = []
    names = []
    for column in table.columns:
        if column.name == table.key and column.name not in columns:
            continue
        arrays.append(encode(table, column, columns.get(column.name), rows, customer_ids))
        names.append(column.header)

    return pa.record_batch(arrays, names=names)


def encode(
    table: Table,
    column: Column,
    values: np.ndarray | pa.Array | None,
    rows: int,
    customer_ids: pa.StringArray,
) -> pa.Array:
    """One column as an Arrow array of the landed type."""
    if isinstance(values, pa.Array):
        return values

    arrow = arrow_type(table, column)
    if values is None and not column.required:
        return pa.nulls(rows, arrow)
    if values is None:
        return pa.array(np.zeros(rows), pa.float64()).cast(arrow)

    if pa.types.is_dictionary(arrow):
        words = pa.array(column.levels) if column.levels else customer_ids
        return pa.DictionaryArray.from_arrays(pa.array(values, arrow.index_type), words)

    if column.type == "date":
        days = values.astype(np.int32)
        return pa.array(days, pa.int32(), mask=values == NO_DAY).cast(arrow)

    if column.type == "timestamp":
        microseconds = values * 1_000_000
        return pa.array(microseconds, pa.int64(), mask=values == NO_TIME).cast(arrow)

    return pa.array(values).cast(arrow)
