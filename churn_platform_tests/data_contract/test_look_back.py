"""Gaps in what features look back on."""

import re
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from churn_platform.data_contract.look_back import LOOK_BACK_MONTHS, missing_before
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table, made_months, write

MODELS = Path(__file__).parents[2] / "dbt_models" / "models"


def month(number: int) -> date:
    """A month of 2025."""
    return date(2025, number, 1)


@pytest.mark.parametrize(
    ("made", "of", "missing"),
    [
        ((1, 2, 3), 4, ()),
        ((1, 3), 4, (2,)),
        ((1, 2, 8), 8, (3, 4, 5, 6, 7)),  # January and February are too far back to be looked at
        (
            (3, 5),
            3,
            (),
        ),  # nothing before the first month is expected, and what comes later does not count
        ((), 3, ()),
    ],
)
def test_a_gap_is_found_inside_the_look_back(lake, made, of, missing):
    """Months without features between the operator's first, or five months before, and the month
    itself.
    """
    with closing(connect(lake)) as connection:
        assert made_months(connection, "tiny.customer_features") == set()
        write(
            connection,
            lake,
            lambda: ensure_table(connection, "tiny.customer_features", {"month": "date"}),
        )
        for each in made:
            connection.execute("insert into tiny.customer_features values (?)", [month(each)])
        found = made_months(connection, "tiny.customer_features")
    assert missing_before(month(of), set()) == []
    assert missing_before(month(of), found) == [month(each) for each in missing]


def test_no_dbt_model_reads_farther_back():
    """The constant is the largest number of months that a model reads before its own."""
    read = re.findall(
        r"months_before\((\d+)\)", "".join(path.read_text() for path in MODELS.rglob("*.sql"))
    )
    assert max(map(int, read)) == LOOK_BACK_MONTHS
