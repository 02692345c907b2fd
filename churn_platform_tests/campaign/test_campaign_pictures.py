"""Pictures of a campaign are drawn whatever the scores."""

import numpy as np

from churn_platform.campaign.campaign_pictures import economics_pictures
from churn_platform.campaign.list_economics import (
    sensitivity,
)
from churn_platform_tests.support.tiny import TINY

ECONOMICS = TINY.economics  # 35 EUR a contact, 4 in 10 accept, 180 EUR saved


def test_pictures_are_drawn_whatever_the_scores():
    """PNG files for a usual month, for one in which nobody is worth a contact, and for a single
    customer.
    """
    for probability in (np.linspace(0, 0.9, 500), np.full(10, 0.01), np.array([0.9])):
        rows = sensitivity(probability, ECONOMICS, factors=(0.5, 1.0))
        drawn = economics_pictures(probability, ECONOMICS, rows)
        assert set(drawn) == {"net_by_budget", "sensitivity"}
        assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())
        assert economics_pictures(probability, ECONOMICS, rows) == drawn
