"""What may enter training and scoring."""

import numpy as np
import pytest

from churn_platform.errors import DataError
from churn_platform.portfolios.validation import validate_encoded
from churn_platform_tests.support.tiny import TINY

GOOD = np.array([[50, 2, 1, 0], [np.nan, 0, 0, np.nan], [0, 50, 1, 2]], dtype=np.float32)


def broken(row: int, column: int, value: float) -> np.ndarray:
    """Good features with one value changed."""
    features = GOOD.copy()
    features[row, column] = value
    return features


def test_features_of_the_catalogue_pass():
    """Bounds are inclusive; nullable features and categories may be missing."""
    validate_encoded(GOOD, TINY.features, what="tiny")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (
            broken(0, 0, 100.5),
            r"tiny: feature usage: 1 values break less_than_or_equal_to\(100.0\), e.g. 100.5",
        ),
        (broken(0, 0, -1), "feature usage: 1 values break greater_than_or_equal_to"),
        (broken(0, 1, np.nan), "feature tickets: 1 values break not_nullable, e.g. nan"),
        (broken(0, 2, 2), "feature is_late: 1 values break less_than_or_equal_to"),
        (broken(0, 3, 3), "feature plan: 1 values break less_than_or_equal_to"),
        (broken(0, 0, np.inf), "feature usage: 1 values break less_than_or_equal_to"),
        (GOOD[:0], "there are no rows"),
    ],
)
def test_a_breach_is_named_with_feature_count_and_example(features, message):
    """A value out of bounds or missing is told with its feature and number."""
    with pytest.raises(DataError, match=message):
        validate_encoded(features, TINY.features, what="tiny")


def test_all_breaches_are_told_at_once():
    """Two broken features are both in the message, with the number of rows of each."""
    features = np.vstack([broken(0, 0, 101), broken(0, 1, 51), broken(2, 1, 99)])
    with pytest.raises(DataError, match=r"feature usage: 1 values .*; feature tickets: 2 values"):
        validate_encoded(features, TINY.features, what="tiny")
