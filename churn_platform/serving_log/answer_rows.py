"""Segments as Arrow tables: a line of the ledger per segment, a row of the log per record."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from churn_platform.errors import DataError
from churn_platform.published.outcome_log import Outcome
from churn_platform.published.prediction_log import (
    LogFormat,
    Prediction,
    load_segment,
    opened_at_us,
)
from churn_platform.published.regular_files import file_sha256

TIME = pa.timestamp("us")
LEDGER = pa.schema(
    {
        "segment": pa.string(),
        "sha256": pa.string(),
        "opened_at": TIME,
        "predictions": pa.int64(),
        "torn_bytes": pa.int64(),
        "damaged_bytes": pa.int64(),
    }
)


ToRows = Callable[..., pa.Table]
"""A function of records and their segment's name, as `answer_rows`."""


def read_segments(
    portfolio: str, paths: Sequence[Path], log: LogFormat[Any], to_rows: ToRows
) -> tuple[pa.Table, pa.Table]:
    """Ledger and rows of some segments; DataError if one holds records of another portfolio."""
    lines, answers = [], [to_rows([], segment="")]
    for path in paths:
        segment = load_segment(path, log)
        if strange := {item.portfolio for item in segment.records} - {portfolio}:
            raise DataError(
                f"{path}: records of {', '.join(sorted(strange))} in the log of {portfolio}; "
                "move it"
            )
        count = len(segment.records)
        damaged = sum(len(spot.content) for spot in segment.damage)
        lines.append(
            [path.name, file_sha256(path), opened_at_us(path), count, segment.torn_bytes, damaged]
        )
        answers.append(to_rows(segment.records, segment=path.name))

    ledger = [dict(zip(LEDGER.names, line, strict=True)) for line in lines]
    return pa.Table.from_pylist(ledger, LEDGER), pa.concat_tables(answers)


def answer_rows(predictions: Sequence[Prediction], *, segment: str) -> pa.Table:
    """One row per prediction, in their order."""
    # The logged float32 bytes become a list column without a loop over the values.
    vectors = [np.frombuffer(item.features, dtype="<f4") for item in predictions]
    offsets = np.cumsum([0, *map(len, vectors)], dtype=np.int32)
    values = np.concatenate([*vectors, np.empty(0, dtype=np.float32)])

    def values_of(name: str) -> list[Any]:
        return [getattr(item, name) for item in predictions]

    latency_ms = [item.latency_us / 1_000 for item in predictions]
    missing = list(map(list, values_of("missing")))
    return pa.table(
        {
            "predicted_at": pa.array(values_of("at_us"), TIME),
            "request_id": pa.array(values_of("request_id"), pa.string()),
            "item": pa.array(values_of("item"), pa.int32()),
            "customer_id": pa.array(values_of("customer_id"), pa.string()),
            "model_version": pa.array(values_of("model_version"), pa.int32()),
            "arm": pa.array(values_of("arm"), pa.string()),
            "churn_probability": pa.array(values_of("churn_probability"), pa.float64()),
            "risk_tier": pa.array(values_of("tier"), pa.string()),
            "features": pa.ListArray.from_arrays(offsets, values),
            "features_month": pa.array(values_of("features_month"), pa.string()),
            "missing_features": pa.array(missing, pa.list_(pa.string())),
            "latency_ms": pa.array(latency_ms, pa.float64()),
            "experiment": pa.array(values_of("experiment"), pa.string()),
            "experiment_arm": pa.array(values_of("experiment_arm"), pa.string()),
            "segment": pa.array([segment] * len(predictions), pa.string()),
        }
    )


def outcome_rows(outcomes: Sequence[Outcome], *, segment: str) -> pa.Table:
    """One row per outcome that an agent recorded, in their order."""

    def column(name: str, kind: pa.DataType) -> pa.Array:
        return pa.array([getattr(outcome, name) for outcome in outcomes], kind)

    texts = ("outcome_id", "customer_id", "agent", "channel", "offer", "answer", "reason")
    return pa.table(
        {
            "recorded_at": column("at_us", TIME),
            **{name: column(name, pa.string()) for name in texts},
            "call_back_on": column("call_back_on", pa.string()).cast(pa.date32()),
            "do_not_contact": column("do_not_contact", pa.bool_()),
            "segment": pa.array([segment] * len(outcomes), pa.string()),
        }
    )
