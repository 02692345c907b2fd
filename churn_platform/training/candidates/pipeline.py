"""Pipelines of a preparing step and a model: how features are prepared, traced
back and exported.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.published.format import ONNX_INPUT

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

OPSETS = {"": 17, "ai.onnx.ml": 3}


def one_hot(features: Sequence[Feature]) -> list[tuple[str, Any, list[int]]]:
    """The step that gives each level a column of its own; a level unheard of, and a missing one, is
    in none of them.
    """
    # So a model cannot mistake it for a known level, also where training rows had nothing like it.
    from sklearn.preprocessing import OneHotEncoder

    places = categories(features)
    if not places:
        return []

    # From the catalogue, not from the rows: a level that these rows lack still has its column.
    levels = [np.arange(len(features[place].levels), dtype=np.float32) for place in places]
    encoder = OneHotEncoder(
        categories=levels,
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float32,
    )
    return [("category", encoder, places)]


def tree_preparation(features: Sequence[Feature], train: np.ndarray) -> "ColumnTransformer":
    """Levels one-hot, numbers as they are: scaled ones would fall on the other side of split points
    once exported.
    """
    # Trees learn from missing values where training rows have some. Where they have none, the
    # median is in later on: LightGBM would take a missing value for 0.
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer

    is_missing = np.isnan(train).any(axis=0)

    gappy: list[int] = []
    whole: list[int] = []
    for place in range(len(features)):
        if place not in categories(features):
            side = gappy if is_missing[place] else whole
            side.append(place)

    steps: list[tuple[str, Any, list[int]]] = []
    if gappy:
        steps.append(("gappy", "passthrough", gappy))

    if whole:
        steps.append(("whole", SimpleImputer(strategy="median"), whole))

    return ColumnTransformer([*steps, *one_hot(features)])


def categories(features: Sequence[Feature]) -> list[int]:
    """Positions of the categories."""
    return [place for place, feature in enumerate(features) if feature.type == "category"]


def per_feature(prepare: "ColumnTransformer", values: np.ndarray, width: int) -> np.ndarray:
    """Values of prepared columns (rows, columns), summed over the columns that come from one
    feature.
    """
    origins: list[int] = []
    for name, transformer, positions in prepare.transformers_:
        if name == "remainder":
            continue
        widths = [1] * len(positions)
        if name == "category":
            widths = [len(levels) for levels in transformer.categories_]

        origins += np.repeat(positions, widths).tolist()

    out = np.zeros((len(values), width))
    np.add.at(out.T, np.array(origins), values.T)
    return out


def to_onnx(pipeline: "Pipeline", width: int) -> Any:
    """The whole pipeline as an ONNX model."""
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    inputs = [(ONNX_INPUT, FloatTensorType([None, width]))]
    return skl2onnx.to_onnx(
        pipeline,
        initial_types=inputs,
        options={id(pipeline): {"zipmap": False}},
        target_opset=OPSETS,
    )
