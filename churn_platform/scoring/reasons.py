"""Reasons as sentences from the catalogue, for the features that raise a customer's risk most."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from churn_platform.portfolios.encoding import decode
from churn_platform.portfolios.spec import Feature
from churn_platform.published.sentences import teller

TOP = 3


def top_reasons(
    features: np.ndarray, contributions: np.ndarray, catalogue: Sequence[Feature], *, top: int = TOP
) -> pa.ListArray:
    """Up to `top` sentences per customer for (rows, features) values and contributions.

    Only features that raise the risk and whose value is known give a reason, and none that is
    protected: what a person is goes into no call. The strongest feature of each group comes first,
    strongest group leading, then the others: three features of one group mostly tell an agent one
    thing three times.
    """
    told = np.array([not feature.protected for feature in catalogue])
    raising = np.where(np.isnan(features) | ~told, 0.0, contributions)
    order = _strongest(raising, _first_of_group(raising, catalogue), top)
    sentences: list[str] = []
    which = np.empty(order.shape, dtype=np.int64)
    for place in np.unique(order[order >= 0]):
        rows, ranks = np.nonzero(order == place)
        numbers, number_of = np.unique(
            features[rows, place], return_inverse=True
        )  # most values come many times
        which[rows, ranks] = len(sentences) + number_of
        sentences += [sentence(number, catalogue[place]) for number in numbers.tolist()]
    return lists(
        pa.array(sentences, pa.string()).take(pa.array(which[order >= 0])), (order >= 0).sum(axis=1)
    )


def lists(values: pa.Array, lengths: np.ndarray) -> pa.ListArray:
    """Values cut into lists of these lengths, one after the other."""
    return pa.ListArray.from_arrays(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int32), values
    )


def _strongest(raising: np.ndarray, first: np.ndarray, top: int) -> np.ndarray:
    """Positions of the `top` strongest raising features, the first of groups before others, -1 for
    none.
    """
    leading, others, rows = (
        np.where(first, raising, 0.0),
        np.where(first, 0.0, raising),
        np.arange(len(raising)),
    )
    order = np.empty((len(raising), top), dtype=np.int64)
    for place in range(top):
        left = np.where((leading > 0).any(axis=1, keepdims=True), leading, others)
        best = left.argmax(axis=1)
        order[:, place] = np.where(left[rows, best] > 0, best, -1)
        leading[rows, best] = others[rows, best] = 0.0
    return order


def _first_of_group(raising: np.ndarray, catalogue: Sequence[Feature]) -> np.ndarray:
    """Whether a feature raises the risk most within its group, (rows, features) booleans."""
    first = np.zeros(raising.shape, dtype=bool)
    groups = np.array([feature.group for feature in catalogue])
    rows = np.arange(len(raising))
    for group in dict.fromkeys(groups):
        places = np.flatnonzero(groups == group)
        best = places[raising[:, places].argmax(axis=1)]
        first[rows, best] = raising[rows, best] > 0
    return first


def sentence(number: float, feature: Feature) -> str:
    """The catalogue's sentence for one known encoded value: 'Calls fell 62 % against the last three
    months'.
    """
    value = decode(number, feature)
    assert value is not None, "what is missing gives no reason"
    return teller(feature.reason)(value)
