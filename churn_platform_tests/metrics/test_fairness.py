"""Rates by group, worked out by hand, and what is said of groups too small to judge."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from churn_platform.governance.fairness_text import fairness_markdown
from churn_platform.metrics.fairness import (
    Estimate,
    as_rows,
    largest_gap,
    measure_fairness,
    read_fairness,
    worst_gap,
)
from churn_platform_tests.metrics.conftest import GATES, measured
from churn_platform_tests.support.invariants import invariant

COUNTS = {"north": (6, 2, 3, 9), "south": (3, 3, 6, 8)}


def test_rates_are_those_of_the_confusion_counts():
    """Selection 9/20, recall 6/8, false alarms 3/12, precision 6/9; predicted 0.475 on average, 0.4
    observed.
    """
    (area,) = measured(COUNTS)
    north = area.groups[0]
    assert (north.group, north.customers, north.churners, north.stayers, north.is_judged) == (
        "north",
        20,
        8,
        12,
        True,
    )
    values = (
        north.selection_rate,
        north.recall,
        north.false_positive_rate,
        north.precision,
        north.calibration_gap,
    )
    assert [estimate.value for estimate in values] == pytest.approx(
        [0.45, 0.75, 0.25, 6 / 9, 0.075]
    )


def test_shares_have_wilson_intervals():
    """6 of 8: (0.75 + z2/16 -+ z sqrt(0.75 x 0.25/8 + z2/256)) / (1 + z2/8) with z2 = 3.8415."""
    recall = measured(COUNTS)[0].groups[0].recall
    centre, spread = 0.75 + 3.8415 / 16, 1.95996 * np.sqrt(0.1875 / 8 + 3.8415 / 256)
    expected = [(centre - spread) / (1 + 3.8415 / 8), (centre + spread) / (1 + 3.8415 / 8)]
    assert [recall.low, recall.high] == pytest.approx(expected, abs=1e-4)


def test_differences_are_the_largest_between_groups():
    """Parity |9/20 - 9/20| = 0; odds: recall 6/8 - 3/6 = 0.25 exceeds false alarms 6/14 - 3/12 =
    0.18.
    """
    (area,) = measured(COUNTS)
    assert area.demographic_parity_difference.value == pytest.approx(0)
    assert area.equalized_odds_difference.value == pytest.approx(0.25)
    assert worst_gap([area]) == pytest.approx(0.25)
    odds = area.equalized_odds_difference
    assert 0 <= odds.low < 0.25 < odds.high <= 1


@invariant("Governance", "A group that is too small is named, is not judged, and opens no gap.")
def test_a_small_group_is_named_and_not_judged():
    """Three churners are below four: the group's rates are reported, its perfect recall opens no
    gap.
    """
    (area,) = measured(COUNTS | {"islands": (3, 0, 0, 40)})
    assert area.too_small == ["islands"]
    assert next(group for group in area.groups if group.group == "islands").recall.value == 1
    assert area.equalized_odds_difference.value == pytest.approx(0.25)
    assert "fewer than 4 churners or stayers): islands." in fairness_markdown([area], GATES)


def test_few_stayers_are_too_few_too():
    """A group of churners alone is not judged, and its false-positive rate is not defined rather
    than zero.
    """
    (area,) = measured(COUNTS | {"islands": (5, 1, 0, 0)})
    islands = next(group for group in area.groups if group.group == "islands")
    assert (islands.is_judged, islands.false_positive_rate, islands.stayers) == (False, None, 0)


def test_a_group_nobody_of_whom_is_selected_has_no_precision():
    """A share of nobody is not defined."""
    (area,) = measured({"north": (6, 2, 3, 9), "south": (0, 5, 0, 9)})
    assert area.groups[1].precision is None
    assert area.groups[1].recall.value == 0
    assert area.equalized_odds_difference.value == pytest.approx(0.75)


def test_the_worst_attribute_decides():
    """Of two attributes the one with the larger difference is what the gate sees."""
    even, uneven = measured({"a": (6, 2, 3, 9), "b": (6, 2, 3, 9)}), measured(COUNTS)
    assert worst_gap([*even, *uneven]) == pytest.approx(0.25)


def test_chance_alone_opens_gaps():
    """Groups of eight and six churners with equal rates often differ by more than 0.25; thousands
    seldom do.
    """
    many = {name: tuple(500 * count for count in counts) for name, counts in COUNTS.items()}
    assert measured(COUNTS)[0].chance_gap > 0.25 > 0.05 > measured(many)[0].chance_gap


def test_the_seed_decides_the_intervals():
    """The same seed gives the same intervals, to the last digit."""
    assert measured(COUNTS) == measured(COUNTS)
    assert measured(COUNTS) != measured(COUNTS, seed=2)


def test_intervals_cover():
    """The interval of a difference holds the true one in about 95 % of samples of two groups."""
    generator, covered = np.random.default_rng(11), 0
    for draw in range(50):
        hits, alarms = generator.binomial(200, [0.8, 0.6]), generator.binomial(800, [0.2, 0.2])
        counts = {
            name: (int(hit), 200 - int(hit), int(alarm), 800 - int(alarm))
            for name, hit, alarm in zip("ab", hits, alarms, strict=True)
        }
        odds = measured(counts, seed=draw)[0].equalized_odds_difference
        covered += odds.low <= 0.2 <= odds.high
    assert covered >= 45


def test_fairness_survives_json():
    """What MLflow keeps comes back equal, undefined rates included."""
    attributes = measured(COUNTS | {"islands é|<b>": (5, 1, 0, 0)})
    assert read_fairness(json.loads(json.dumps([asdict(it) for it in attributes]))) == attributes


def test_rows_are_flat():
    """One row per group, an estimate in three columns; what is not defined is null."""
    rows = as_rows(measured(COUNTS | {"islands": (5, 1, 0, 0)}))
    assert [(row["attribute"], row["group"], row["customers"]) for row in rows] == [
        ("area", "islands", 6),
        ("area", "north", 20),
        ("area", "south", 20),
    ]
    assert (rows[0]["false_positive_rate"], rows[0]["false_positive_rate_low"]) == (None, None)
    assert Estimate(rows[1]["recall"], rows[1]["recall_low"], rows[1]["recall_high"]).value == 0.75


@invariant("Governance", "The fairness gate judges what the fairness report says.")
def test_the_gate_sees_what_the_report_says():
    """The gap handed to the gate is the report's largest difference and its attribute, small groups
    left out.
    """
    generator = np.random.default_rng(3)
    churned = generator.integers(0, 2, 300).astype(np.int8)
    probability = generator.uniform(size=300)
    groups = {
        "area": generator.choice(["a", "b", "c"], 300).astype(object),
        "plan": np.array(["x"] * 146 + ["y"] * 150 + ["tiny"] * 4, dtype=object),
        "same": np.full(300, "one", dtype=object),
    }
    report = measure_fairness(groups, churned, probability, threshold=0.5, gates=GATES, seed=1)
    gap = largest_gap(groups, churned, probability >= 0.5, GATES)
    assert gap.difference == worst_gap(report)
    assert (
        gap.attribute
        == max(report[:2], key=lambda it: it.equalized_odds_difference.value).attribute
    )
    assert largest_gap({"same": groups["same"]}, churned, probability >= 0.5, GATES) is None


def test_equal_errors_are_a_gap_of_zero():
    """No difference is a difference of zero, not one that cannot be told."""
    churned, groups = np.array([1, 0] * 8), {"area": np.array(["a"] * 8 + ["b"] * 8, dtype=object)}
    assert largest_gap(groups, churned, churned == 1, GATES).difference == 0
