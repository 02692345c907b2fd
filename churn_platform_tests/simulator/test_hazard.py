"""The hazard is a pure, monotone function of the state."""

import numpy as np
import pytest

from churn_platform.simulator.coefficients import COMPETITOR_HAZARD, USUAL_HAZARD, USUAL_MIX
from churn_platform.simulator.hazard import churn_probability
from churn_platform.simulator.population import found

AS_OF = 20_000


@pytest.fixture
def people():
    """200 customers as of day 20,000."""
    return found(np.random.default_rng(1), 200, AS_OF, USUAL_MIX)


@pytest.mark.parametrize(
    ("attribute", "change"),
    [
        ("satisfaction", -1),
        ("trouble", 1),
        ("grievance", 1),
        ("price_rise_felt", 0.2),
        ("habit", 0.5),
        ("price_eur", 10),
    ],
)
def test_bad_news_raises_the_risk(people, attribute, change):
    """Each driver alone makes every customer more likely to leave."""
    before = churn_probability(people, AS_OF, USUAL_HAZARD)
    setattr(people, attribute, getattr(people, attribute) + change)
    assert (churn_probability(people, AS_OF, USUAL_HAZARD) > before).all()


def test_end_of_contract_raises_the_risk(people):
    """Risk grows from far before the end of the commitment over its last weeks to after it."""
    people.contract[:] = 2
    risks = []
    for days_left in (300, 30, -1):
        people.contract_end_day[:] = AS_OF + days_left
        risks.append(churn_probability(people, AS_OF, USUAL_HAZARD).mean())
    assert risks == sorted(risks)
    assert risks[2] > 2 * risks[0]


def test_competitor_lures_the_young_and_loyal(people):
    """Under the competitor a young, long-standing prepaid customer of the north-west is at risk, an
    old one is not.
    """
    people.contract[:], people.region[:], people.satisfaction[:] = 0, 0, 0
    people.signup_day[:] = AS_OF - 1000
    people.age[:100], people.age[100:] = 0, 5
    risk = churn_probability(people, AS_OF, COMPETITOR_HAZARD)
    assert risk[:100].mean() > 5 * risk[100:].mean()
