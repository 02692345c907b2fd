"""The published contract: light enough for serving, and what is packed comes back."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from churn_platform.published.format import pack_customer, unpack_customer
from churn_platform_tests.support.invariants import invariant

HEAVY = {
    "pandas",
    "pyarrow",
    "duckdb",
    "dagster",
    "mlflow",
    "xgboost",
    "sklearn",
    "scipy",
    "pydantic",
    "litestar",
}


@given(
    features=st.lists(st.floats(width=32), max_size=50),
    probability=st.floats(0, 1),
    reasons=st.lists(st.text(), max_size=3),
)
def test_a_packed_customer_comes_back(features, probability, reasons):
    """Features, NaN among them, score to the last bit, and sentences in any script."""
    encoded = np.array(features, dtype=np.float32)
    back = unpack_customer(pack_customer(encoded, probability, reasons), len(features))
    np.testing.assert_array_equal(back.features, encoded)
    assert back.features.dtype == np.float32
    assert (back.churn_probability, list(back.reasons)) == (probability, reasons)


def test_a_strided_row_is_packed_as_it_reads():
    """A row of a matrix that lies in columns is packed in the order of its features."""
    matrix = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert unpack_customer(pack_customer(matrix[1], 0.5, []), 3).features.tolist() == [3, 4, 5]


def test_a_customer_is_read_from_a_memory_map():
    """Serving reads a view of the file, without copying it first."""
    packed = pack_customer(np.float32([1, 2]), 0.5, ["why"])
    assert unpack_customer(memoryview(packed), 2).reasons == ("why",)


@invariant("Structure", "Reading published bundles needs no warehouse, MLflow or Dagster.")
def test_importing_the_contract_is_light():
    """A serving process that imports the contract gets none of the platform's heavy libraries."""
    code = (
        "import sys, churn_platform.published.format; print(*{name.split('.')[0] for name in "
        "sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert HEAVY & set(done.stdout.split()) == set()
