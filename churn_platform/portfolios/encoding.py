"""Features as float32 numbers in catalogue order: the one encoding of training, batch scores and
the served model.

A category becomes the position of its level, a boolean 0 or 1. A missing value, and a level that
the catalogue does not know, become NaN, so a model never mistakes an unseen level for a known one.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from churn_platform.portfolios.spec import Feature
from churn_platform.published.sentences import decoded
from churn_platform.sql import identifier, literals, select_list


def encoded_columns(features: Sequence[Feature]) -> str:
    """The select list that encodes `features` in DuckDB, one FLOAT column each."""
    return select_list({feature.name: _encoded(feature) for feature in features})


def _encoded(feature: Feature) -> str:
    if not feature.is_known:
        # Not the column: it may not have been there yet, or be empty since it was taken away.
        return f"{_default(feature)}::float"
    column = identifier(feature.name)
    if feature.type == "category":
        # One encoding for training, scores and bundles. A level that the catalogue does not know
        # becomes NaN; XGBoost would otherwise take it for another, known level.
        return f"(list_position([{literals(feature.levels)}], {column}) - 1)::float"
    return f"{column}::float"


def _default(feature: Feature) -> str:
    return "null" if feature.default is None else f"{_number(feature.default, feature)}"


def matrix(batch: pa.Table | pa.RecordBatch, names: Sequence[str]) -> np.ndarray:
    """The named FLOAT columns of an Arrow table or batch as a (rows, features) float32 matrix,
    nulls as NaN.
    """
    # Column by column in memory, as Arrow has them: no copy through rows.
    out = np.empty((batch.num_rows, len(names)), dtype=np.float32, order="F")
    for position, name in enumerate(names):
        out[:, position] = column(batch, name)
    return out


def column(batch: pa.Table | pa.RecordBatch, name: str) -> np.ndarray:
    """A column of an Arrow table or batch as numpy."""
    values = batch.column(name)
    return (
        values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    )


def encode_row(row: Mapping[str, object], features: Sequence[Feature]) -> np.ndarray:
    """One customer's features (by name) as a float32 vector of shape (features,)."""
    numbers = [_number(row.get(feature.name), feature) for feature in features]
    return np.array(numbers, dtype=np.float32)


def _number(value: object, feature: Feature) -> float:
    if value is None:
        return np.nan
    if feature.type == "category":
        return float(feature.levels.index(value)) if value in feature.levels else np.nan
    return float(value)  # type: ignore[arg-type]


def decode(number: float, feature: Feature) -> str | bool | int | float | None:
    """The value that `number` is for: a level, a bool, an int or a float; None for NaN."""
    return decoded(number, feature.type, feature.levels)
