"""A month's condition is on the source's own column, in its own type, by the operator's zone."""

from datetime import date

import pytest

from churn_platform.errors import MappingError
from churn_platform.sources.month_filter import Period, month_condition

MAY = date(2026, 5, 1)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        (
            Period("at", "TIMESTAMP", (), BERLIN),
            "\"at\" >= timestamp '2026-05-01 00:00:00' "
            "and \"at\" < timestamp '2026-06-01 00:00:00'",
        ),
        (
            Period("at", "TIMESTAMP"),
            "\"at\" >= timestamp '2026-04-30 22:00:00' "
            "and \"at\" < timestamp '2026-05-31 22:00:00'",
        ),
        (
            Period("at", "TIMESTAMP WITH TIME ZONE"),
            "\"at\" >= timestamptz '2026-04-30 22:00:00+00' "
            "and \"at\" < timestamptz '2026-05-31 22:00:00+00'",
        ),
        (Period("day", "DATE"), "\"day\" >= date '2026-05-01' and \"day\" < date '2026-06-01'"),
        (Period("month", "INTEGER", ("%Y%m",)), '"month" >= 202605 and "month" < 202606'),
        (
            Period("s", "BIGINT", ("epoch_seconds",)),
            '"s" >= 1777586400 and "s" < 1780264800',
        ),
        (
            Period("day", "VARCHAR", ("%Y-%m",)),
            "\"day\" >= '2026-05' and \"day\" < '2026-06'",
        ),
        (
            Period("at", "VARCHAR", (), BERLIN),
            "\"at\" >= '2026-05-01' and \"at\" < '2026-06-01'",
        ),
        (
            Period("at", "VARCHAR", ("%d.%m.%Y",)),
            "try_strptime(\"at\", ['%d.%m.%Y']) >= timestamp '2026-05-01 00:00:00' "
            "and try_strptime(\"at\", ['%d.%m.%Y']) < timestamp '2026-06-01 00:00:00'",
        ),
    ],
)
def test_the_condition_is_in_the_type_of_the_column(period, expected):
    """Worked out by hand: Berlin is two hours ahead of UTC in May."""
    assert month_condition(period, MAY, BERLIN) == expected


def test_west_of_utc_the_month_begins_later():
    """Five hours in Chicago in May."""
    condition = month_condition(Period("at", "TIMESTAMP"), MAY, "America/Chicago")
    assert "timestamp '2026-05-01 05:00:00'" in condition


def test_a_number_must_say_how_it_tells_a_month():
    """202605 may be a month, or a count."""
    with pytest.raises(MappingError, match="does not say how it tells a month such as 2026-05"):
        month_condition(Period("period", "INTEGER"), MAY, "UTC")
