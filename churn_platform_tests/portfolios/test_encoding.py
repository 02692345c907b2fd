"""One encoding for training, batch scores and the served model."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.portfolios.encoding import decode, encode_row, encoded_columns, matrix
from churn_platform.portfolios.spec import Feature
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import TINY

CUSTOMER = st.fixed_dictionaries(
    {
        "usage": st.none() | st.floats(0, 100, width=32),
        "tickets": st.integers(0, 50),
        "is_late": st.booleans(),
        "plan": st.none() | st.sampled_from(["prepaid", "monthly", "yearly"]),
    }
)
TYPES = {"usage": pa.float64(), "tickets": pa.int64(), "is_late": pa.bool_(), "plan": pa.string()}


def encoded_in_sql(rows: list[dict]) -> np.ndarray:
    """The rows as DuckDB encodes them."""
    table = pa.Table.from_pylist(rows, schema=pa.schema(TYPES))
    with duckdb.connect() as connection:
        connection.register("rows", table)
        encoded = connection.execute(
            f"select {encoded_columns(TINY.features)} from rows"
        ).to_arrow_table()
    return matrix(encoded, TINY.feature_names)


@given(
    st.lists(
        CUSTOMER | CUSTOMER.map(lambda row: row | {"plan": "unheard of"}), min_size=1, max_size=8
    )
)
@invariant("Training", "SQL and Python encode a customer alike.")
def test_sql_and_python_encode_alike(rows):
    """The lake's encoding of a batch equals the served one of each row; unknown and missing are
    NaN.
    """
    expected = np.vstack([encode_row(row, TINY.features) for row in rows])
    encoded = encoded_in_sql(rows)
    assert encoded.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(encoded, expected)


@given(CUSTOMER)
def test_decoding_undoes_encoding(row):
    """Every value of the catalogue comes back as it was, in its type."""
    back = [
        decode(number, feature)
        for number, feature in zip(encode_row(row, TINY.features), TINY.features, strict=True)
    ]
    assert dict(zip(TINY.feature_names, back, strict=True)) == row
    assert [type(value) for value in back[1:3]] == [int, bool]


def test_a_feature_left_out_is_missing():
    """A row that lacks a feature has NaN in its place."""
    np.testing.assert_array_equal(
        encode_row({"tickets": 2}, TINY.features), np.float32([np.nan, 2, np.nan, np.nan])
    )


def test_a_level_with_a_quote_is_found():
    """Levels are quoted for SQL."""
    feature = Feature(
        name="plan", type="category", levels=("d'oro", "x"), group="g", description="d", reason="r"
    )
    with duckdb.connect() as connection:
        rows = "(values ('d''oro'), ('x'), ('y'), (null)) as t(plan)"
        encoded = connection.execute(
            f"select {encoded_columns([feature])} from {rows}"
        ).to_arrow_table()
    np.testing.assert_array_equal(
        matrix(encoded, ["plan"]), np.float32([[0], [1], [np.nan], [np.nan]])
    )


@pytest.mark.parametrize("as_batch", [False, True])
def test_a_matrix_takes_tables_and_batches(as_batch):
    """Columns come in the order asked for, nulls as NaN."""
    table = pa.table({"b": pa.array([1, None], pa.float32()), "a": pa.array([3, 4], pa.float32())})
    source = table.to_batches()[0] if as_batch else table
    np.testing.assert_array_equal(matrix(source, ["a", "b"]), np.float32([[3, 1], [4, np.nan]]))
