"""What may be simulated, and when a disturbance acts."""

from datetime import date

import pytest
from pydantic import ValidationError

from churn_platform.simulator import SimulationConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_month": date(2025, 1, 2)},
        {"scenario_month": date(2026, 1, 1)},
        {"customers": 0},
        {"scenario": "earthquake"},
        {"colour": "blue"},
    ],
)
def test_config_refuses_nonsense(wrong):
    """A month that does not begin on its first day or is not simulated, an unknown scenario or key
    are refused.
    """
    with pytest.raises(ValidationError):
        SimulationConfig.model_validate({"customers": 10, "months": 2, "seed": 1} | wrong)


def test_scenario_acts_in_the_last_month_by_default():
    """Without a month, the scenario acts in the last one only."""
    config = SimulationConfig(customers=10, months=3, seed=1, scenario="competitor")
    assert [config.acting_scenario(month) for month in config.month_starts()] == [
        "none",
        "none",
        "competitor",
    ]
