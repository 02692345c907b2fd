"""A month's cost, worked out by hand."""

from datetime import UTC, date, datetime

import pytest

from churn_platform.costs.price import Prices, as_markdown, heaviest, in_words, month_cost
from churn_platform.costs.usage import StepUsage
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH

PRICES = Prices(
    cpu_hour_eur=0.05,
    gb_hour_eur=0.01,
    gb_month_eur=0.1,
    standing_month_eur=80,
    budget_year_eur=5_000,
)


def step(
    name: str,
    cpu: float,
    wall: float,
    *,
    run: str = "a",
    months: tuple[date, date] = (JANUARY, JANUARY),
    ok: bool = True,
) -> StepUsage:
    """A step of the tiny portfolio that had 2 GB at its peak."""
    noted = datetime(2025, 2, 1, tzinfo=UTC)
    return StepUsage(run, name, "tiny", *months, noted, ok, cpu, wall, 2_000_000_000)


USAGE = [
    step("features", 3_600, 7_200),
    step("features", 3_600, 1_800, run="b", ok=False),
    step("backfill", 7_200, 3_600, run="c", months=(JANUARY, FEBRUARY)),
    step("scores", 99, 99, run="d", months=(MARCH, MARCH)),
]


def test_a_month_is_what_its_steps_used():
    """3 CPU hours at 5 ct, 2 GB for 3 hours at 1 ct, 500 GB at 10 ct: a failed run included, a
    range shared.
    """
    cost = month_cost(USAGE, JANUARY, storage_bytes=500_000_000_000, prices=PRICES)
    assert {item.name: (item.quantity, item.cost_eur) for item in cost.items} == {
        "CPU": (3.0, pytest.approx(0.15)),
        "memory": (6.0, pytest.approx(0.06)),
        "storage": (500.0, pytest.approx(50)),
        "standing": (1.0, 80),
    }
    assert (cost.runs, cost.steps, cost.failed_steps) == (3, 3, 1)
    assert cost.cost_eur == pytest.approx(130.21)
    assert cost.year_eur == pytest.approx(1_562.52)


@invariant("Care", "The costs of the months of a run add up to it.")
def test_the_months_of_a_range_add_up_to_it():
    """Nothing is counted twice, nothing lost."""
    costs = [
        month_cost(USAGE, month, storage_bytes=0, prices=PRICES)
        for month in (JANUARY, FEBRUARY, MARCH)
    ]
    assert sum(cost.items[0].quantity for cost in costs) == pytest.approx(
        sum(each.cpu_seconds for each in USAGE) / 3600
    )


def test_a_month_without_runs_costs_what_stands():
    """And nothing else."""
    cost = month_cost([], JANUARY, storage_bytes=0, prices=PRICES)
    assert (cost.cost_eur, cost.runs) == (80, 0)


def test_the_heaviest_steps_come_first():
    """Added up over runs, with the largest peak."""
    assert heaviest(USAGE, JANUARY) == [
        ("tiny", "features", 7_200, 9_000, 2_000_000_000),
        ("tiny", "backfill", 3_600, 1_800, 2_000_000_000),
    ]
    assert len(heaviest(USAGE, JANUARY, top=1)) == 1


def test_the_year_is_told_beside_its_budget():
    """In words, and as a table for the UI."""
    cost = month_cost(USAGE, JANUARY, storage_bytes=500_000_000_000, prices=PRICES)
    told = (
        "130.21 EUR for 2025-01; a year at that rate is 1,563 EUR, 31% of the budget of 5,000 EUR"
    )
    assert in_words(cost) == told
    page = as_markdown(cost, heaviest(USAGE, JANUARY))
    assert told in page
    assert "| CPU | 3 hours | 0.05 | 0.15 |" in page
    assert "3 steps in 3 runs, 1 of them failed" in page
    assert "| tiny | features | 7,200.0 | 9,000.0 | 2.00 |" in page
