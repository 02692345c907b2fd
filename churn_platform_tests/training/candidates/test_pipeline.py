"""How features are prepared for trees."""

import numpy as np

from churn_platform.training.candidates.pipeline import tree_preparation
from churn_platform_tests.support.tiny import TINY


def test_levels_of_trees_have_columns_of_their_own():
    """Gaps stay where training had some, the median stands in elsewhere, a level unheard of is in
    no column.
    """
    train = np.float32([[1, 2, 0, 0], [np.nan, 4, 1, 1], [3, 9, 1, 2]])
    prepare = tree_preparation(TINY.features, train).fit(train)
    row = prepare.transform(np.full((1, 4), np.nan, dtype=np.float32))
    np.testing.assert_array_equal(row, np.float32([[np.nan, 4, 1, 0, 0, 0]]))
    assert row.dtype == np.float32
