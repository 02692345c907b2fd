"""The draws that event generators share: owners, times and codes, inside the active time."""

import numpy as np
import pytest

from churn_platform.simulator.chunk import (
    DAY_S,
    Chunk,
    dissatisfaction,
    draw_columns,
    draw_owners,
    draw_times_s,
)
from churn_platform.simulator.coefficients import USUAL_MIX
from churn_platform.simulator.population import found

MONTH_DAY = 20_000


@pytest.fixture
def chunk() -> Chunk:
    """Three customers in a month of 30 days: all of it, the last day alone, the first two."""
    people = found(np.random.default_rng(1), 3, MONTH_DAY, USUAL_MIX)
    return Chunk(people, MONTH_DAY, 30, np.array([0, 29, 0]), np.array([30, 1, 2]))


def test_a_part_of_a_month_is_its_share(chunk):
    """30, 1 and 2 of 30 days, and the active time ends with its last day."""
    assert chunk.share_of_month == pytest.approx([1, 1 / 30, 2 / 30])
    assert (chunk.end_s / DAY_S - MONTH_DAY).tolist() == [30, 30, 2]


def test_events_are_in_the_active_time(chunk):
    """Not a second before or after, for thousands of draws."""
    owners = np.repeat(np.arange(3), 3_000)
    times = draw_times_s(np.random.default_rng(2), chunk, owners)
    day = times // DAY_S - MONTH_DAY
    assert (day >= chunk.first_day[owners]).all()
    assert (times < chunk.end_s[owners]).all()
    assert set(day[owners == 2]) == {0, 1}


def test_a_rate_of_nothing_has_no_events():
    """Owners come in order, about as often as their rate says."""
    owners = draw_owners(np.random.default_rng(3), np.array([0.0, 1_000.0, 10.0]))
    counts = np.bincount(owners, minlength=3)
    assert (np.diff(owners) >= 0).all()
    assert counts[0] == 0
    assert counts[1] == pytest.approx(1_000, abs=150)


def test_a_weight_of_nothing_is_never_drawn():
    """And a weight that is alone always is, whatever its size."""
    weights = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]]).repeat(2_000, axis=0)
    codes = draw_columns(np.random.default_rng(4), weights)
    assert set(codes[:2_000]) == {1}
    assert set(codes[2_000:]) == {0, 2}
    assert (codes[2_000:] == 2).mean() == pytest.approx(0.75, abs=0.05)


def test_dissatisfaction_is_bounded(chunk):
    """So that no rate explodes."""
    chunk.people.satisfaction[:] = [-9, 0.5, 9]
    assert dissatisfaction(chunk.people).tolist() == [4, -0.5, -2]
