"""The group of each customer comes from the right column, month and snapshot, in the customers' own
order.
"""

from contextlib import closing

import numpy as np
import pytest

from churn_platform.errors import DataError
from churn_platform.metrics.segments import ordered
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.customer_groups import feature_groups, quartiles, read_groups
from churn_platform.training.training_data import Labelled
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import current_snapshot, ensure_table
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, SPEC, TINY, customers

LANDED = {
    "month": "date",
    "customer_id": "varchar",
    "area": "varchar",
    "age_years": "bigint",
    "is_business": "boolean",
}
COLUMNS = [
    {"name": "area", "type": "string", "description": "Area."},
    {"name": "age_years", "type": "integer", "description": "Age."},
    {"name": "is_business", "type": "boolean", "description": "Business."},
]
TABLE = {**SPEC["tables"][0], "columns": [*SPEC["tables"][0]["columns"], *COLUMNS]}
WATCHED = Portfolio.model_validate(
    SPEC | {"tables": [TABLE, SPEC["tables"][1]], "protected_attributes": ["area"]}
)
IDS = np.array(["C2", "é'1", "C0"], dtype=object)
THREE = Labelled(np.zeros((3, 4), np.float32), np.array([0, 1, 0], np.int8), IDS)


@pytest.fixture
def landed(lake):
    """A lake with three landed customers in January, and others in February."""
    with closing(connect(lake)) as connection:
        ensure_table(connection, "tiny_raw.customers", LANDED)
        rows = [
            (JANUARY, "C0", "south", 30, True),
            (JANUARY, "é'1", None, 50, None),
            (JANUARY, "C2", "north", 70, False),
            (JANUARY, "C9", "north", 20, False),
            (FEBRUARY, "C0", "moved", 31, True),
        ]
        for row in rows:
            connection.execute("insert into tiny_raw.customers values (?, ?, ?, ?, ?)", list(row))
        yield connection


def read(connection, *names, snapshot=None):
    """January's groups of the three customers, as lists."""
    at = snapshot or current_snapshot(connection)
    groups = read_groups(connection, WATCHED, names, THREE, features_month=JANUARY, snapshot=at)
    return {name: of.tolist() for name, of in groups.items()}


def test_a_landed_column_is_aligned_to_the_customers(landed):
    """The order is that of the customers asked for; no value is a group of its own; other months do
    not count.
    """
    assert read(landed, "area") == {"area": ["north", "missing", "south"]}
    assert read(landed, "is_business") == {"is_business": ["no", "missing", "yes"]}


def test_a_landed_number_groups_by_quartile(landed):
    """Ages 70, 50 and 30: the lowest begins the first quartile."""
    assert read(landed, "age_years") == {
        "age_years": ["above 60 to 70", "above 40 to 50", "from 30 to 40"]
    }


@invariant("Governance", "Groups are those of the model's data, whatever is written later.")
def test_later_writes_do_not_change_a_group(landed):
    """Read as of the snapshot, the groups are those that the model's data had."""
    before = current_snapshot(landed)
    landed.execute("update tiny_raw.customers set area = 'elsewhere'")
    assert read(landed, "area", snapshot=before) == {"area": ["north", "missing", "south"]}
    assert read(landed, "area") == {"area": ["elsewhere"] * 3}


def test_customers_who_did_not_land_are_counted(landed):
    """A hold-out whose customers are not in the landed month is refused, with their number."""
    with pytest.raises(
        DataError, match=r"2 of 3 customers are not in tiny_raw\.customers of 2025-02"
    ):
        read_groups(
            landed,
            WATCHED,
            ["area"],
            THREE,
            features_month=FEBRUARY,
            snapshot=current_snapshot(landed),
        )


def test_features_need_no_look_up():
    """Categories and truth values group by level, an unknown level is missing; no table is read."""
    features = np.array([[1, 0, 1, 2], [2, 0, 0, np.nan]], dtype=np.float32)
    who = Labelled(features, np.array([0, 1], np.int8), IDS[:2])
    groups = read_groups(None, TINY, ["plan", "is_late"], who, features_month=JANUARY, snapshot=1)
    assert {name: of.tolist() for name, of in groups.items()} == {
        "plan": ["yearly", "missing"],
        "is_late": ["yes", "no"],
    }


def test_quartiles_are_of_one_size():
    """Usage of a thousand customers falls into four like groups, and the tenth without any into a
    fifth.
    """
    groups, sizes = np.unique(
        feature_groups(TINY, "usage", customers(1_000, seed=1).features), return_counts=True
    )
    assert dict(zip(groups, sizes, strict=True))["missing"] == 100
    assert sorted(sizes)[1:] == [225] * 4


def test_ties_make_fewer_groups():
    """Where most values are equal, groups with the same bounds fall together; bounds tell them
    apart.
    """
    assert quartiles(np.array([0, 0, 0, 0, 8.0])).tolist() == ["from 0 to 8"] * 5
    assert quartiles(np.array([0, 0, 0, 1, 8.0])).tolist() == ["from 0 to 1"] * 4 + ["above 1 to 8"]
    assert quartiles(np.array([3.0, np.nan])).tolist() == ["3", "missing"]
    assert quartiles(np.array([np.nan])).tolist() == ["missing"]


def test_quartiles_with_near_bounds_stay_apart():
    """As many digits as tell the bounds from each other."""
    values = np.array([1_000_000.0, 1_000_001, 1_000_002, 1_000_003, 1_000_004])
    assert len(set(quartiles(values).tolist())) == 4
    assert "above 1000003 to 1000004" in quartiles(values)


def test_a_large_bound_has_no_exponent():
    """`2e+06` is hard to read."""
    assert quartiles(np.array([2_000_000.0])).tolist() == ["2000000"]


def test_groups_are_ordered_by_bound_or_name():
    """Whatever the words of a level are."""
    names = [
        "above 10 to 20",
        "from 2 to 10",
        "from home to work",
        "above 1e+06 to 2e+06",
        "missing",
    ]
    assert ordered(np.array(names, dtype=object)) == [
        *("from home to work", "missing", "from 2 to 10", "above 10 to 20", "above 1e+06 to 2e+06"),
    ]
