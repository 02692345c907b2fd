"""Some of a portfolio's candidates are trained instead of all."""

import pytest

from churn_platform.errors import SpecError
from churn_platform.portfolios.chosen_candidates import require_candidates, with_candidates
from churn_platform_tests.support.tiny import TINY

TWO = TINY.model_copy(update={"candidates": ("lightgbm", "random_forest")})


def test_those_that_are_named_are_trained_in_the_order_of_the_spec():
    """Names are separated by commas, blanks do not count."""
    assert with_candidates(TWO, " random_forest, lightgbm,").candidates == TWO.candidates
    assert with_candidates(TWO, "random_forest").candidates == ("random_forest",)


def test_a_portfolio_that_lists_none_of_them_trains_its_own():
    """The setting is of the installation, and no portfolio is left without a candidate."""
    assert with_candidates(TWO, "xgboost") is TWO
    assert with_candidates(TWO, "") is TWO


def test_a_name_that_is_no_candidate_is_refused():
    """With those that there are."""
    require_candidates(TWO, ["lightgbm"])
    with pytest.raises(SpecError, match=r"no candidate 'svm'; it lists lightgbm, random_forest"):
        require_candidates(TWO, ["lightgbm", "svm"])
