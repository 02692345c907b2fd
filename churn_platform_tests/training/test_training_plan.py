"""A training set as a table to read."""

from churn_platform.training.training_plan import as_markdown
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY


def test_each_month_has_its_split_size_and_weight():
    """A month that has no weight of its own counts as one."""
    rows = [
        {"features_month": JANUARY, "split": "train", "customers": 12_000, "churned": 300},
        {"features_month": FEBRUARY, "split": "holdout", "customers": 900, "churned": 20},
    ]
    table = as_markdown([rows[0] | {"weight": 0.25}, rows[1] | {"weight": None}])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert cells[2:] == [
        ["2025-01", "train", "12,000", "300", "0.25"],
        ["2025-02", "holdout", "900", "20", "1"],
    ]
