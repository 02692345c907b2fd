"""What the dbt models are told of a portfolio's clock and of what churn is for it."""

from typing import Any

from churn_platform.months import zone_offsets
from churn_platform.portfolios.label import Events
from churn_platform.portfolios.spec import Portfolio


def calendar_and_label(portfolio: Portfolio) -> dict[str, Any]:
    """dbt variables by name; `dbt_project.yml` has those of UTC and a date of leaving."""
    label = portfolio.label
    return {
        "timezone": portfolio.timezone,
        "timezone_offsets": offsets_of(portfolio.timezone),
        "label_policy": label.policy,
        "label_gap_months": label.gap_months,
        "label_days": label.days,
        "label_events": [_events(portfolio, events) for events in label.events],
        # Worked out in one place, for the graph's own mappings of months need it, too.
        "label_outcome_months": label.outcome_months,
    }


def offsets_of(timezone: str) -> list[list[Any]]:
    """When the clock of a zone was, and will be, changed to how many seconds ahead of UTC."""
    if timezone == "UTC":
        return []
    return [[f"{began:%Y-%m-%d %H:%M:%S}", seconds] for began, seconds in zone_offsets(timezone)]


def _events(portfolio: Portfolio, events: Events) -> dict[str, Any]:
    table = portfolio.table(events.table)
    return {
        "table": table.name,
        "customer": table.customer,
        "event_time": table.event_time,
        "where": {column: list(values) for column, values in events.where.items()},
    }
