"""Pictures of an experiment show its figures, and nothing that is no look."""

from datetime import date

import numpy as np
import pytest

from churn_platform.experiments.experiment_pictures import (
    effect_picture,
    outcome_pictures,
    ratio_picture,
    scores_picture,
)
from churn_platform.experiments.paired import PairedScores

NOTHING = {"estimate": None, "estimate_low": None, "estimate_high": None}
ROWS = [
    {"month": date(2026, 1, 1), **NOTHING},
    {"month": date(2026, 2, 1), "estimate": 0.02, "estimate_low": -0.04, "estimate_high": 0.08},
    {"month": date(2026, 3, 1), "estimate": 0.03, "estimate_low": 0.01, "estimate_high": 0.05},
]
SCORES = PairedScores(
    churned=np.array([0, 1, 1]),
    control=np.array([0.1, 0.2, 0.4]),
    challenger=np.array([0.1, 0.7, 0.8]),
    control_threshold=0.5,
    challenger_threshold=0.5,
)


def labels_of(axes) -> list[str]:
    """What is written below the picture."""
    return [text.get_text() for text in axes.get_xticklabels()]


def test_the_effect_has_its_interval_at_each_look_and_a_line_at_zero():
    """January has counted nothing, so February is the first look."""
    (axes,) = effect_picture(ROWS).axes
    estimates, zero = axes.lines
    assert estimates.get_xydata().tolist() == [[1, 0.02], [2, 0.03]]
    assert zero.get_ydata() == [0.0, 0.0]
    assert labels_of(axes) == ["2026-02", "2026-03"]
    interval = axes.collections[0].get_datalim(axes.transData)
    assert (interval.y0, interval.y1) == (-0.04, 0.08)


def test_both_versions_scores_are_counted_in_the_same_bins():
    """Up to the highest score of either, 0.8, so that no customer is left out."""
    (axes,) = scores_picture(SCORES).axes
    control, challenger = (patch.get_data() for patch in axes.patches)
    assert control.edges.tolist() == challenger.edges.tolist()
    assert control.edges[-1] == 0.8
    assert (control.values.sum(), challenger.values.sum()) == (3, 3)
    assert challenger.values[-1] == 1
    assert control.values[-1] == 0


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, ["01"]),
        (5, ["01", "02", "03", "04", "05"]),
        (12, ["01", "03", "05", "07", "09", "11"]),
    ],
)
def test_the_split_over_time_names_a_few_days_and_has_the_planned_share(count, shown):
    """More than some six dates would be written over each other."""
    days = [f"{day:02}" for day in range(1, count + 1)]
    shares = [0.5 + day / 100 for day in range(count)]
    (axes,) = ratio_picture(days, shares, 0.25).axes
    split, planned = axes.lines
    assert split.get_ydata().tolist() == shares
    assert planned.get_ydata() == [0.25, 0.25]
    assert labels_of(axes) == shown


def test_an_outcome_is_two_png_files_which_are_the_same_again():
    """Else each run of a month would look like a change."""
    drawn = outcome_pictures(ROWS, SCORES)
    assert list(drawn) == ["effect", "scores"]
    for png in drawn.values():
        assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert outcome_pictures(ROWS, SCORES) == drawn
