"""App sessions: who thinks of leaving looks at the cancellation screen."""

import numpy as np
import pytest

from churn_platform.simulator.app_sessions import (
    cancellation_rate,
    generate_sessions,
    screen_weights,
)
from churn_platform.simulator.chunk import Chunk
from churn_platform.simulator.coefficients import USUAL_MIX, App
from churn_platform.simulator.levels import ContractType, Screen
from churn_platform.simulator.population import NO_DAY, found

MONTH_DAY = 20_000


@pytest.fixture
def chunk() -> Chunk:
    """Three customers like each other, committed for long and content, all month."""
    people = found(np.random.default_rng(1), 3, MONTH_DAY, USUAL_MIX)
    people.contract[:] = ContractType.TWO_YEAR
    people.contract_end_day[:] = MONTH_DAY + 500
    people.satisfaction[:], people.app_level[:] = 0, 20
    return Chunk(people, MONTH_DAY, 30, np.zeros(3, int), np.full(3, 30))


def test_without_the_app_nobody_sees_the_screen(chunk):
    """However dissatisfied."""
    chunk.people.app_level[0], chunk.people.satisfaction[0] = 0, -4
    assert cancellation_rate(chunk, App())[0] == 0


def test_who_is_free_or_angry_looks_more_often(chunk):
    """Month to month, or at the end of a commitment, as well as by dissatisfaction."""
    people = chunk.people
    people.contract_end_day[1] = MONTH_DAY + 10
    people.satisfaction[2] = -1
    content, free, angry = cancellation_rate(chunk, App())
    assert content < min(free, angry)
    people.contract[0], people.contract_end_day[0] = ContractType.MONTH_TO_MONTH, NO_DAY
    assert cancellation_rate(chunk, App())[0] == free


def test_trouble_leads_to_the_support_screen(chunk):
    """And to no other; ordinary weights have no cancellation screen."""
    chunk.people.trouble[:], chunk.people.grievance[:] = [0, 1, 1], [0, 0, 1]
    weights = screen_weights(chunk.people, App())
    step = App().support_per_trouble
    assert np.diff(weights[:, Screen.SUPPORT]) == pytest.approx([step, step])
    others = np.delete(weights, Screen.SUPPORT, axis=1)
    assert (others == others[0]).all()


def test_the_cancellation_screen_is_a_block_of_its_own(chunk):
    """Ordinary sessions never show it; with a level of nothing there are none of them."""
    ordinary, cancelling = generate_sessions(np.random.default_rng(2), chunk, 1.0)
    assert Screen.CANCELLATION not in ordinary["screen"]
    assert set(cancelling["screen"]) <= {Screen.CANCELLATION}
    assert (ordinary["duration_s"] >= 2).all()
    none, _ = generate_sessions(np.random.default_rng(2), chunk, 0.0)
    assert len(none["customer_id"]) == 0
