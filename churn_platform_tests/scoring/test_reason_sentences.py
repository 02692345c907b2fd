"""Reasons are sentences for what raises the risk."""

import numpy as np
import pytest

from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Feature
from churn_platform.scoring.reason_sentences import sentence, top_reasons
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import TINY


def feature(kind: str, reason: str, levels: tuple[str, ...] = ()) -> Feature:
    """A feature of a type with a reason."""
    return Feature(name="x", type=kind, group="g", description="d", reason=reason, levels=levels)


@pytest.mark.parametrize(
    ("number", "kind", "reason", "expected"),
    [
        (3.0, "integer", "{value} tickets", "3 tickets"),
        (12.0, "number", "Used {value} GB", "Used 12 GB"),
        (1234.56, "number", "Paid {value} EUR", "Paid 1,234.6 EUR"),
        (
            -0.624,
            "number",
            "Calls {value:change} against last year",
            "Calls fell 62 % against last year",
        ),
        (0.5, "number", "Index at {value:.2f}", "Index at 0.50"),
        (1.0, "boolean", "Pays late: {value}", "Pays late: yes"),
        (0.0, "boolean", "Pays late: {value}", "Pays late: no"),
        (1.0, "boolean", "The commitment has ended", "The commitment has ended"),
    ],
)
def test_values_read_as_people_write_them(number, kind, reason, expected):
    """Whole numbers without a fraction, shares in percent, truth values in words."""
    assert sentence(np.float32(number), feature(kind, reason)) == expected


def test_a_category_reads_as_its_level():
    """The code of a level becomes the level."""
    assert sentence(np.float32(1), feature("category", "Plan: {value}", ("a", "b"))) == "Plan: b"


def told(features, contributions, catalogue=TINY.features, **options):
    """Reasons as lists of sentences."""
    return top_reasons(features, contributions, catalogue, **options).to_pylist()


def test_only_what_raises_the_risk_is_a_reason():
    """Strongest first; lowering and neutral features and unknown values give none."""
    features = np.array([[30, 4, 1, 2], [np.nan, 0, 0, np.nan]], dtype=np.float32)
    contributions = np.array([[0.1, 0.7, 0.0, -2.0], [3.0, 0.2, -0.1, 1.0]])
    assert told(features, contributions) == [["4 tickets", "Used 30 GB"], ["0 tickets"]]


def test_there_are_at_most_so_many_reasons():
    """Of four raising features, the three strongest are told where each is of another subject."""
    features, contributions = np.ones((1, 4), dtype=np.float32), np.array([[0.4, 0.3, 0.2, 0.1]])
    assert told(features, contributions) == [["Used 1 GB", "1 tickets", "Pays late: yes"]]
    assert told(features, contributions, top=1) == [["Used 1 GB"]]


def test_subjects_come_before_repetition():
    """Late payment and plan are one group: its second reason waits for the others, and still fills
    a free place.
    """
    features = np.ones((2, 4), dtype=np.float32)
    contributions = np.array([[0.1, 0.2, 0.9, 0.8], [-1.0, 0.2, 0.9, 0.8]])
    assert told(features, contributions) == [
        ["Pays late: yes", "1 tickets", "Used 1 GB"],
        ["Pays late: yes", "1 tickets", "Plan: monthly"],
    ]


@invariant("Governance", "No customer is given a protected attribute as a reason.")
def test_no_one_is_told_what_they_are():
    """A protected feature gives no reason, however strong; its group's next one takes the place."""
    catalogue = [*TINY.features[:3], TINY.features[3].model_copy(update={"protected": True})]
    features, contributions = np.ones((1, 4), dtype=np.float32), np.array([[-1.0, -1.0, 0.1, 5.0]])
    assert told(features, contributions, catalogue) == [["Pays late: yes"]]


@pytest.mark.parametrize("name", ["telecomit", "ibm_telco"])
def test_every_reason_of_the_catalogue_can_be_said(name, tmp_path):
    """At its bounds, zero and in between, with either truth value and at each level, no placeholder
    remains.
    """
    for it in load_portfolios(tmp_path)[name].features:
        low, high = it.range
        numbers = {"category": range(len(it.levels)), "boolean": (0, 1)}.get(
            it.type, (low, 0, 1, 0.5, high)
        )
        said = [sentence(np.float32(number), it) for number in numbers]
        assert all(text and not set("{}_") & set(text) for text in said), said
