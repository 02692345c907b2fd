"""A month of features whose names are not those of its values is refused."""

import json

import pytest

from churn_platform_tests.serving.conftest import (
    change,
    load,
    month_manifest,
)
from serving.errors import BundleError


def test_swapped_names_in_a_month_of_features_are_refused(root):
    """The stored scores tell that the names stand for other values."""
    names = json.loads(month_manifest(root).read_bytes())["features"]
    change(month_manifest(root), "features", to=[names[1], names[0], *names[2:]])
    with pytest.raises(BundleError, match="another score than is stored beside"):
        load(root)


def test_swapped_names_that_nobody_can_check_are_refused(root):
    """Another order than the model's is only believed where the version that scored the month
    agrees.
    """
    names = json.loads(month_manifest(root).read_bytes())["features"]
    change(month_manifest(root), "features", to=[names[1], names[0], *names[2:]])
    change(month_manifest(root), "scored_by", to=7)
    with pytest.raises(BundleError, match="version 7 is not there to check"):
        load(root)


@pytest.mark.parametrize("names", [["usage"], ["usage", "tickets", "is_late", "plan", "more"]])
def test_a_month_whose_customers_have_another_width_is_refused(root, names):
    """A stored customer is unpacked before anybody asks for one."""
    change(month_manifest(root), "features", to=names)
    with pytest.raises(BundleError, match="a stored customer is not of"):
        load(root)


def test_a_feature_that_the_scores_came_from_must_be_there(root):
    """A name that only the manifest has stands for the model's."""
    change(month_manifest(root), "features", 0, to="usagx")
    with pytest.raises(BundleError, match="scored it from 'usage'"):
        load(root)
