"""Reasons as sentences from the catalogue, for the features that raise a customer's risk most."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from churn_platform.portfolios.encoding import decode
from churn_platform.portfolios.spec import Feature
from churn_platform.published.reasons import TOP, strongest
from churn_platform.published.sentences import teller


def top_reasons(
    features: np.ndarray, contributions: np.ndarray, catalogue: Sequence[Feature], *, top: int = TOP
) -> pa.ListArray:
    """Up to `top` sentences per customer for (rows, features) values and contributions.

    `published/reasons.py` has the rule. What is missing, or protected, gives no reason.
    """
    protected = np.array([feature.protected for feature in catalogue])
    raising = np.where(np.isnan(features) | protected, 0.0, contributions)
    order = strongest(raising, [feature.group for feature in catalogue], top=top)
    # Each distinct value is put into words once: a month has millions of reasons and few sentences.
    sentences: list[str] = []
    which = np.empty(order.shape, dtype=np.int64)
    for place in np.unique(order[order >= 0]):
        rows, ranks = np.nonzero(order == place)
        # Most values come many times, and a sentence costs more than a look-up.
        numbers, number_of = np.unique(features[rows, place], return_inverse=True)
        which[rows, ranks] = len(sentences) + number_of
        sentences += [sentence(number, catalogue[place]) for number in numbers.tolist()]

    is_reason = order >= 0
    told = pa.array(sentences, pa.string()).take(pa.array(which[is_reason]))
    return lists(told, is_reason.sum(axis=1))


def lists(values: pa.Array, lengths: np.ndarray) -> pa.ListArray:
    """Values cut into lists of these lengths, one after the other."""
    return pa.ListArray.from_arrays(
        np.concatenate(([0], np.cumsum(lengths))).astype(np.int32), values
    )


def sentence(number: float, feature: Feature) -> str:
    """The catalogue's sentence for one known encoded value: 'Calls fell 62 % against the last three
    months'.
    """
    value = decode(number, feature)
    assert value is not None, "what is missing gives no reason"
    return teller(feature.reason)(value)
