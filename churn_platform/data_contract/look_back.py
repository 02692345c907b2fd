"""Which months are missing from what the features of a month look back on."""

from collections.abc import Collection
from datetime import date

from churn_platform.months import month_range, shift
from churn_platform.portfolios.spec import Portfolio

LOOK_BACK_MONTHS = 5  # before the month itself; the farthest that a feature reads


def look_back_months(portfolio: Portfolio) -> int:
    """Months before a month that its spine and features look back on."""
    return max(LOOK_BACK_MONTHS, portfolio.label.spine_months)


def missing_before(
    month: date, made: Collection[date], look_back: int = LOOK_BACK_MONTHS
) -> list[date]:
    """Months that are not `made` among the `look_back` ones before `month`, oldest first; none
    before the first made.
    """
    # Before the first month there is nothing to miss: a young operator has no history.
    first_made = min(made, default=month)
    first = max(first_made, shift(month, -look_back))
    missing = []
    for each in month_range(first, month):
        if each < month and each not in made:
            missing.append(each)

    return missing
