"""Pandera schemas derived from the catalogue: what may enter training and scoring."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from churn_platform.errors import DataError
from churn_platform.portfolios.spec import Feature


def validate_encoded(features: np.ndarray, catalogue: Sequence[Feature], *, what: str) -> None:
    """DataError naming each feature, the number of rows and an example where encoded features break
    the catalogue.

    A level that the catalogue does not know is encoded as missing, so categories may be missing
    here.
    """
    if len(features) == 0:
        raise DataError(f"{what}: there are no rows; materialize the features of that month first")
    # The schema costs ten times as much; it is only asked when there is something wrong to
    # describe.
    if _keeps(features, catalogue):
        return

    import pandas as pd
    from pandera.errors import SchemaErrors

    frame = pd.DataFrame(features, columns=[feature.name for feature in catalogue], copy=False)
    try:
        encoded_schema(tuple(catalogue)).validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise DataError(f"{what}: {_said(errors.failure_cases)}") from None


def _keeps(features: np.ndarray, catalogue: Sequence[Feature]) -> bool:
    """Whether the lowest, the highest and the missing values of each column are allowed: one pass
    without a frame, a tenth of the schema's time, which is left to say what is wrong.
    """
    if features.shape[1] != len(catalogue) or features.dtype != np.float32:
        return False

    # `fmin` and `fmax` pass over missing values, which `min` and `max` would return.
    lowest = np.fmin.reduce(features)
    highest = np.fmax.reduce(features)
    for position, feature in enumerate(catalogue):
        low, high = _limits(feature)
        if low is not None and lowest[position] < low:
            return False
        if high is not None and highest[position] > high:
            return False
        if _nullable(feature):
            continue
        missing = np.isnan(features[:, position])
        if missing.any():
            return False

    return True


@lru_cache(maxsize=32)
def encoded_schema(catalogue: tuple[Feature, ...]) -> Any:
    """The schema of the encoded features, one float32 column per feature in catalogue order."""
    import pandera.pandas as pa

    columns = {}
    for feature in catalogue:
        columns[feature.name] = pa.Column(
            "float32",
            checks=_bounds(feature),
            nullable=_nullable(feature),
        )

    return pa.DataFrameSchema(columns, strict=True, ordered=True)


def _nullable(feature: Feature) -> bool:
    # A month that was built before the feature has no value of anybody.
    return feature.nullable or feature.type == "category" or not feature.is_known


def _limits(feature: Feature) -> tuple[float | None, float | None]:
    return {"category": (0, len(feature.levels) - 1), "boolean": (0, 1)}.get(
        feature.type, feature.range
    )


def _bounds(feature: Feature) -> list[Any]:
    import pandera.pandas as pa

    low, high = _limits(feature)

    checks = []
    if low is not None:
        checks.append(pa.Check.ge(low))

    if high is not None:
        checks.append(pa.Check.le(high))

    return checks


def _said(failures: Any) -> str:
    grouped = failures.groupby(["column", "check"], sort=False).agg(
        rows=("failure_case", "size"),
        example=("failure_case", "first"),
    )
    said = []
    for (column, check), rows, example in grouped.itertuples():
        said.append(f"feature {column}: {rows} values break {check}, e.g. {example}")

    return "; ".join(said)
