"""What is published of a month is what the lake holds."""

from contextlib import closing

import numpy as np
import pytest

from churn_platform.bundles.customer_rows import packed_customers, scored_by
from churn_platform.errors import PublicationError
from churn_platform.portfolios.encoding import encode_row
from churn_platform.scoring.score import Champion, replace_scores, score_month
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.bundles.conftest import publish, published
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.training.conftest import add_month, labelled_rows

TIERS = [("high", 0.4), ("low", 0.0)]


def test_a_look_up_equals_the_table(tmp_path, lake, model):
    """Features, score and reasons of every customer in the file are those in the lake; none is
    missing.

    Scores of another version, made since, are refused and what was published stays.
    """
    with closing(connect(lake)) as connection:
        add_month(connection, lake, JANUARY, 2)
        scores = score_month(
            connection, TINY, lambda: Champion(3, model, TIERS), JANUARY, batch_rows=1000, threads=2
        )
        write(connection, lake, lambda: replace_scores(connection, TINY, JANUARY, scores))
        assert scored_by(connection, TINY, JANUARY) == 3
        assert (
            publish(tmp_path, packed_customers(connection, TINY, JANUARY, 3, batch_rows=30)) == 200
        )
        with pytest.raises(
            PublicationError, match=r"2025-01 was scored by version 3 while version 2's scores"
        ):
            publish(tmp_path, packed_customers(connection, TINY, JANUARY, 2, batch_rows=30))
    stored = published(tmp_path, 4)
    rows = {row["customer_id"]: row for row in labelled_rows(JANUARY, 2).to_pylist()}
    expected = {row["customer_id"]: row for row in scores.to_pylist()}
    assert stored.keys() == rows.keys() == expected.keys()
    for customer_id, customer in stored.items():
        np.testing.assert_array_equal(
            customer.features, encode_row(rows[customer_id], TINY.features)
        )
        assert customer.churn_probability == expected[customer_id]["churn_probability"]
        assert list(customer.reasons) == expected[customer_id]["reasons"]


def test_a_month_scored_by_none_or_several_is_refused(lake, model):
    """Before scoring, and after scoring by two versions, publication says what to materialize."""
    with closing(connect(lake)) as connection:
        with pytest.raises(
            PublicationError,
            match="tiny 2025-01 is scored by 0 versions; materialize tiny/monthly_s",
        ):
            scored_by(connection, TINY, JANUARY)
        add_month(connection, lake, JANUARY, 2)
        scores = score_month(
            connection, TINY, lambda: Champion(3, model, TIERS), JANUARY, batch_rows=1000, threads=2
        )
        write(connection, lake, lambda: replace_scores(connection, TINY, JANUARY, scores))
        connection.execute(
            "update tiny.monthly_scores set model_version = 4 where customer_id = 'C001'"
        )
        with pytest.raises(PublicationError, match="is scored by 2 versions"):
            scored_by(connection, TINY, JANUARY)
        with pytest.raises(PublicationError, match="is scored by 0 versions"):
            scored_by(connection, TINY, FEBRUARY)
