"""Rows of a lake that experiments read: labels, scores, contacts, answers."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from churn_platform.experiments import arm_scores
from churn_platform.experiments.state import ExperimentState, read_state
from churn_platform.ingest.snapshot import LABEL_COLUMNS
from churn_platform.months import shift
from churn_platform.published.prediction_log import PREDICTIONS, Prediction, frame
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.experiments.conftest import records_of, spec_of
from churn_platform_tests.support.predictions import prediction
from serving.storage.log_segment import OpenSegment

SLICE = {"event": "advanced", "step": "slice", "approved": False}
DECEMBER = date(2025, 12, 1)


def state_of(*events: dict, **fields: Any) -> ExperimentState:
    """The state of the tiny portfolio's experiment, started on 1 January 2026."""
    state = read_state(records_of(spec_of(**fields), *events), "boosting")
    assert state is not None
    return state


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple]) -> None:
    """Rows in one statement: the lake would make a state of its own for each row."""
    row = f"({', '.join('?' * len(rows[0]))})"
    values = [value for given in rows for value in given]
    connection.execute(f"insert into {table} values {', '.join([row] * len(rows))}", values)


def add_labels(
    connection: duckdb.DuckDBPyConnection, features_month: date, churned: dict[str, bool]
) -> None:
    """Labels that matured in the month after the features."""
    ensure_table(connection, "tiny.churn_labels", LABEL_COLUMNS)
    month = shift(features_month, 1)
    rows = [(month, name, features_month, left) for name, left in churned.items()]
    insert(connection, "tiny.churn_labels", rows)


def add_arm_scores(
    connection: duckdb.DuckDBPyConnection,
    month: date,
    scores: dict[str, tuple[float, float]],
    *,
    experiment: str = "boosting",
) -> None:
    """Both versions' scores, control first, by customer."""
    ensure_table(connection, f"tiny.{arm_scores.NAME}", arm_scores.COLUMNS)
    rows = []
    for name, values in scores.items():
        for arm, version, value in zip(("control", "challenger"), (1, 2), values, strict=True):
            known = {
                "month": month,
                "experiment": experiment,
                "arm": arm,
                "customer_id": name,
                "churn_probability": value,
                "risk_tier": "high",
                "decile": 1,
                "reasons": ["Because"],
                "model_version": version,
            }
            rows.append(tuple(known[column] for column in arm_scores.COLUMNS))
    insert(connection, f"tiny.{arm_scores.NAME}", rows)


def add_contacts(
    connection: duckdb.DuckDBPyConnection, month: date, names: Iterable[str], *, cost_eur: float = 5
) -> None:
    """Contacts that were made in a month."""
    columns = {"month": "date", "customer_id": "varchar", "cost_eur": "double"}
    ensure_table(connection, "tiny_raw.campaign_contacts", columns)
    rows = [(month, name, cost_eur) for name in names]
    insert(connection, "tiny_raw.campaign_contacts", rows)


def answer(state: ExperimentState, number: int, arm: str, **fields: Any) -> Prediction:
    """An answer of the present step to a customer, a minute after the one before."""
    since_us = int(state.since.timestamp() * 1e6)
    usual = {
        "request_id": f"r{number}",
        "customer_id": f"C{number}",
        "model_version": state.challenger if arm == "challenger" else state.control,
        "at_us": since_us + 60_000_000 * (number + 1),
        "experiment": state.live.start_id,
        "experiment_arm": arm,
    }
    return prediction(**(usual | fields))


def add_segment(folder: Path, worker: str, answers: Iterable[Prediction]) -> None:
    """A closed segment of the prediction log."""
    segment = OpenSegment(folder, worker, magic=PREDICTIONS.magic)
    for each in answers:
        segment.append(frame(msgspec.msgpack.encode(each)))
    segment.close(sync=False)
