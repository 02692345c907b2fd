"""Reads at once what a request says of a customer, where it names every feature by its own name.

Applications that score from features send that over and over. A decoder made for the very catalogue
reads and checks it in C. What it will not take, wrong or only said in another way, is
left to `inputs.py`, name by name.
"""

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from churn_platform.published.format import CUSTOMER_ID, PublishedFeature

ID_CHARACTERS_MAX = 120  # in bytes, any such characters are still not too long
FLOAT32_MAX = float(np.finfo(np.float32).max)

Whole = tuple[str | None, np.ndarray]
"""The customer's id, where it is given, and the features, (features,) float32 encoded in the
manifest's order.
"""


def whole_reader(features: Sequence[PublishedFeature]) -> Callable[[bytes], Whole | None]:
    """A function from a body to the customer in it; None if the body has to be read name by
    name.
    """
    decode = msgspec.json.Decoder(_struct(features)).decode
    astuple = msgspec.structs.astuple
    least = sum(len(feature.name) + len('"":0,') for feature in features)

    codes = []
    for place, feature in enumerate(features):
        if feature.type == "category":
            codes.append((place, _codes(feature)))

    def read(body: bytes) -> Whole | None:
        # Too short to name every feature, as a look-up by id is: not even parsed.
        if len(body) < least:
            return None

        try:
            *values, customer_id = astuple(decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

        # msgspec keeps the last of two values for one name; the slow reader refuses such a body.
        if body.count(b":") != len(values) + (customer_id is not None):
            return None  # perhaps a name given twice

        for place, code in codes:
            values[place] = code[values[place]]

        return customer_id, np.array(values, dtype=np.float32)

    return read


def _struct(features: Sequence[PublishedFeature]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for place, feature in enumerate(features):
        fields.append((f"feature_{place}", _type(feature)))

    names = {f"feature_{place}": feature.name for place, feature in enumerate(features)}
    identity = (
        CUSTOMER_ID,
        Annotated[str, Meta(min_length=1, max_length=ID_CHARACTERS_MAX)] | None,
        None,
    )
    return msgspec.defstruct(
        "Customer",
        [*fields, identity],
        rename=names,
        forbid_unknown_fields=True,
    )


def _type(feature: PublishedFeature) -> Any:
    kind: Any
    if feature.type == "category":
        kind = Literal[feature.levels]
    elif feature.type == "boolean":
        kind = bool
    else:
        low, high = feature.range
        bounds = Meta(
            ge=-FLOAT32_MAX if low is None else low,
            le=FLOAT32_MAX if high is None else high,
            multiple_of=1 if feature.type == "integer" else None,
        )
        kind = Annotated[float, bounds]

    return kind | None if feature.nullable else kind


def _codes(feature: PublishedFeature) -> dict[str | None, float]:
    return {level: float(code) for code, level in enumerate(feature.levels)} | {None: math.nan}
