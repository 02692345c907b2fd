"""Names that come near an unknown one, found without comparing it with each."""

import pytest

from churn_platform.published.format import PublishedFeature
from serving.request.inputs import LISTED, SUGGESTED_MAX, Catalogue
from serving.request.suggestions import Suggestions

NAMES = ["data_usage_gb_30d", "data_usage_trend_3m", "late_payments_6m", "region", "MonthlyCharges"]


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("dataUsageGb30d", ["data_usage_gb_30d"]),
        ("DATA-USAGE-GB-30D", ["data_usage_gb_30d"]),
        ("monthly_charges", ["MonthlyCharges"]),
        ("regions", ["region"]),
        ("regin", ["region"]),
        ("rezion", ["region"]),
        ("reigon", ["region"]),
        ("data_usage", ["data_usage_gb_30d", "data_usage_trend_3m"]),
        ("colour", []),
        ("", []),
        ("r" * 5000, []),
    ],
)
def test_what_a_name_may_mean(given, near):
    """Case, separators, one letter more, fewer, other or swapped, and the same first words."""
    assert Suggestions(NAMES).near(given) == near


def test_a_request_gets_a_few_suggestions():
    """The first wrong names get one each; the others are told where all names are listed."""
    features = tuple(
        PublishedFeature(
            f"calls_{letter}", "number", None, (None, None), (), True, None, None, letter, ""
        )
        for letter in "abcdefghij"
    )
    faults: list = []
    Catalogue(features).read({name.title(): 1 for name in (f.name for f in features)}, faults)
    assert len(faults) == 10
    assert ["perhaps" in fault.allowed for fault in faults] == [True] * SUGGESTED_MAX + [False] * 5
    assert faults[-1].allowed == LISTED
