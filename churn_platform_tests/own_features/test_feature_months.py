"""Which months know a feature, and what is done about those that do not."""

from contextlib import closing

import numpy as np
import pytest

from churn_platform.errors import ChurnError, DataError
from churn_platform.own_features.backfill import months_without
from churn_platform.own_features.feature_months import (
    as_built,
    known_features,
    lacking,
    note_built,
    prepare_columns,
    require_known,
)
from churn_platform.portfolios.encoding import encoded_columns, matrix
from churn_platform.portfolios.spec import Portfolio
from churn_platform.portfolios.validation import validate_encoded
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY

NEW = TINY.features[0].model_copy(update={"name": "shoe_size", "default": None})
GROWN = TINY.model_copy(update={"features": (*TINY.features, NEW)})


@pytest.fixture
def connection(lake: Lake):
    """January's features, of the older catalogue, in a table that wants a value of each."""
    columns = ", ".join(f"{name} double not null" for name in TINY.feature_names)
    with closing(connect(lake)) as made:
        made.execute("create schema tiny")
        made.execute(
            f"create table tiny.customer_features (customer_id varchar, month date, {columns})"
        )
        values = ", ".join("1.0" for _ in TINY.features)
        made.execute(f"insert into tiny.customer_features values ('a', date '{JANUARY}', {values})")
        yield made


def grow(connection, lake: Lake, portfolio: Portfolio) -> None:
    """What a run of February does after the catalogue has grown."""
    prepare_columns(connection, lake, portfolio)
    connection.execute("alter table tiny.customer_features add column shoe_size double")
    note_built(connection, lake, portfolio, [FEBRUARY])


def test_months_from_before_are_noted_with_the_columns_of_then(connection, lake: Lake):
    """Once, by the first run that may add one; a month of which nothing is noted knows all."""
    assert known_features(connection, "tiny") == {}
    assert as_built(connection, GROWN, JANUARY) is GROWN
    grow(connection, lake, GROWN)
    known = known_features(connection, "tiny")
    assert known[JANUARY] == set(TINY.feature_names)
    assert known[FEBRUARY] == set(GROWN.feature_names)
    assert lacking(as_built(connection, GROWN, JANUARY)) == ["shoe_size"]
    assert as_built(connection, GROWN, FEBRUARY) is GROWN


def test_a_month_without_a_feature_has_its_default_or_nothing(connection, lake: Lake):
    """Neither breaks the catalogue, though the feature must have a value in other months."""
    grow(connection, lake, GROWN)
    for default, expected in ((None, np.nan), (41.0, 41.0)):
        new = NEW.model_copy(update={"default": default, "nullable": False, "range": (20, 60)})
        portfolio = TINY.model_copy(update={"features": (new,)})
        built = as_built(connection, portfolio, JANUARY)
        query = f"select {encoded_columns(built.features)} from tiny.customer_features"
        read = matrix(connection.execute(query).to_arrow_table(), built.feature_names)
        np.testing.assert_array_equal(read, [[expected]])
        validate_encoded(read, built.features, what="January")


def test_a_state_of_before_knows_what_it_knew(connection, lake: Lake):
    """A version is reproduced from its snapshot, whatever was filled in since."""
    grow(connection, lake, GROWN)
    before = current_snapshot(connection)
    note_built(connection, lake, GROWN, [JANUARY])
    assert as_built(connection, GROWN, JANUARY) is GROWN
    assert lacking(as_built(connection, GROWN, JANUARY, snapshot=before)) == ["shoe_size"]


def test_a_model_that_needs_what_a_month_lacks_is_told_how_to_fill_it(connection, lake: Lake):
    """One from before the feature goes on."""
    grow(connection, lake, GROWN)
    built = as_built(connection, GROWN, JANUARY)
    require_known(built, JANUARY, TINY.feature_names, "version 1")
    with pytest.raises(DataError, match="churn features backfill tiny --feature shoe_size"):
        require_known(built, JANUARY, GROWN.feature_names, "version 2")


def test_a_feature_that_was_taken_away_stops_no_month(connection, lake: Lake):
    """Its column stays, with its values; new months have none, which the table must allow."""
    fewer = TINY.model_copy(update={"features": TINY.features[1:]})
    prepare_columns(connection, lake, fewer)
    connection.execute(
        "insert into tiny.customer_features by name "
        f"select * exclude ({TINY.feature_names[0]}) replace (date '{FEBRUARY}' as month) "
        "from tiny.customer_features"
    )
    note_built(connection, lake, fewer, [FEBRUARY])
    assert lacking(as_built(connection, TINY, FEBRUARY)) == [TINY.feature_names[0]]


def test_months_to_fill_are_those_with_rows_to_fill_from(connection, lake: Lake):
    """A feature of a table that has no rows of a month cannot be made of it."""
    grow(connection, lake, GROWN)
    with pytest.raises(ChurnError, match="give the feature a default"):
        months_without(connection, GROWN, "shoe_size")
    connection.execute("create schema tiny_raw")
    table = NEW.table
    connection.execute(f"create table tiny_raw.{table} as select date '{JANUARY}' as month")
    assert months_without(connection, GROWN, "shoe_size") == [JANUARY]
    note_built(connection, lake, GROWN, [JANUARY])
    assert months_without(connection, GROWN, "shoe_size") == []
    with pytest.raises(ChurnError, match="no feature 'hat_size'"):
        months_without(connection, GROWN, "hat_size")
