"""Fitted models and a lake of labelled months, made once."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import onnxruntime
import pyarrow as pa
import pytest

from churn_platform.ingest.snapshot import LABEL_COLUMNS
from churn_platform.months import shift
from churn_platform.published.format import ONNX_INPUT
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.training_data import Labelled
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table, replace_month, write
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH
from churn_platform_tests.support.tiny_lake import tiny_lake

FEATURE_TYPES = {"usage": "double", "tickets": "bigint", "is_late": "boolean", "plan": "varchar"}
CUSTOMERS = 200


def labelled_rows(month: date, tickets: int) -> pa.Table:
    """Two hundred customers of a month; every fourth one churned in the month after."""
    place = np.arange(CUSTOMERS)
    return pa.table(
        {
            "customer_id": [f"C{number:03d}" for number in place],
            "month": pa.array([month] * CUSTOMERS),
            "usage": pa.array(
                [None if number % 10 == 0 else float(number % 100) for number in place]
            ),
            "tickets": np.full(CUSTOMERS, tickets),
            "is_late": place % 2 == 0,
            "plan": ["unheard of" if number % 50 == 1 else "monthly" for number in place],
            "churned": place % 4 == 0,
        }
    )


def add_month(connection: duckdb.DuckDBPyConnection, lake: Lake, month: date, tickets: int) -> None:
    """Write features of a month and the labels that matured in the month after."""
    rows = labelled_rows(month, tickets)
    ensure = {"customer_features": {"customer_id": "varchar", "month": "date"} | FEATURE_TYPES}
    ensure["churn_labels"] = LABEL_COLUMNS

    def work() -> None:
        for name, columns in ensure.items():
            ensure_table(connection, f"tiny.{name}", columns)
        connection.register("rows", rows)
        replace_month(
            connection, "tiny.customer_features", month, "select * exclude (churned) from rows"
        )
        select = (
            f"select date '{shift(month, 1)}' as month, customer_id, month as features_month, "
            "churned from rows"
        )
        replace_month(connection, "tiny.churn_labels", shift(month, 1), select)
        connection.unregister("rows")

    write(connection, lake, work)


@pytest.fixture(scope="package")
def labelled_lake(
    tmp_path_factory: pytest.TempPathFactory, extensions: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake with labelled months from January to April."""
    lake = tiny_lake(tmp_path_factory.mktemp("labelled"), extensions)
    with closing(connect(lake)) as connection:
        for tickets, month in enumerate((JANUARY, FEBRUARY, MARCH, APRIL)):
            add_month(connection, lake, month, tickets)
        yield connection


def exported(algorithm: str, estimator, features: np.ndarray) -> np.ndarray:
    """Raw probabilities of the export."""
    session = onnxruntime.InferenceSession(
        ALGORITHMS[algorithm].export(estimator, features.shape[1])
    )
    return session.run(["probabilities"], {ONNX_INPUT: features})[0][:, -1]


def labelled(features: np.ndarray, churned: np.ndarray) -> Labelled:
    """Rows with ids."""
    return Labelled(features, churned, np.arange(len(churned)).astype(str))
