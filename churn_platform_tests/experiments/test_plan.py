"""What an experiment needs is known before it starts."""

from math import sqrt

import pytest

from churn_platform.errors import ExperimentError
from churn_platform.experiments.plan import Spread, plan_experiment, planned_information
from churn_platform_tests.experiments.conftest import spec_of


def spread(*, error: float) -> Spread:
    """40,000 customers leave this standard error, paired, and 9 times as much to a split."""
    return Spread(40_000, error**2, (9 * error) ** 2)


def test_the_customers_of_one_look_follow_from_the_z_formula():
    """(1.96 + 0.8416)^2 = 7.849 times (0.0016 / 0.01)^2 times 40,000 customers: 8,038."""
    plan = plan_experiment(spec_of(), spread(error=0.0016), customers_per_month=40_000)
    assert plan.one_look == pytest.approx(8_038, abs=2)
    assert plan.split == pytest.approx(81 * 8_038, abs=200)
    assert (plan.months, plan.customers) == (1, 40_000)
    assert plan.power > 0.99


def test_a_small_portfolio_needs_months_or_finds_less():
    """At a standard error of 0.006 a month, 3 months are enough; at 0.02, six are not."""
    enough = plan_experiment(spec_of(), spread(error=0.006), customers_per_month=40_000)
    assert enough.months == 3
    assert enough.power >= 0.8
    few = plan_experiment(spec_of(), spread(error=0.02), customers_per_month=40_000)
    assert few.months is None
    assert few.power < 0.8
    assert few.detectable == pytest.approx(0.02 / sqrt(6) * 2.8016, rel=0.03)
    assert ("months of outcomes (at most 6)", "more than allowed") in few.as_rows(spec_of())


def test_the_looks_cost_little_information():
    """Six looks need some 3 % more than one, and what is kept back of the error 1.5 %."""
    one_look = (2.8016 / 0.01) ** 2
    assert 1.03 < planned_information(spec_of()) / one_look < 1.05


def test_two_equal_versions_are_no_experiment():
    """There is nothing to find."""
    with pytest.raises(ExperimentError, match="the same score; name another challenger"):
        plan_experiment(spec_of(), spread(error=0.0), customers_per_month=100)
