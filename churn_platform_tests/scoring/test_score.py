"""Every customer of a month gets one score, however the month is cut into batches."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from churn_platform.errors import DataError
from churn_platform.scoring.score import (
    SCORE_COLUMNS,
    Champion,
    _deciles,
    replace_scores,
    score_month,
)
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import write
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.training.conftest import add_month

TIERS = [("critical", 0.6), ("high", 0.4), ("medium", 0.3), ("low", 0.0)]


@pytest.fixture
def connection(lake):
    """A lake with 200 customers in January."""
    with closing(connect(lake)) as connection:
        add_month(connection, lake, JANUARY, 2)
        yield connection


def scored(connection, model, batch_rows: int = 10_000):
    """January's scores."""
    return score_month(
        connection,
        TINY,
        lambda: Champion(3, model, TIERS),
        JANUARY,
        batch_rows=batch_rows,
        threads=2,
    )


def test_a_score_is_the_models(connection, model):
    """Probabilities are the model's for the encoded features, one row a customer, in the table's
    columns.
    """
    scores = scored(connection, model).to_pydict()
    assert set(scores) == set(SCORE_COLUMNS)
    assert scores["customer_id"] == [f"C{number:03d}" for number in range(200)]
    expected = model.churn_probability(np.array([[2, 2, 1, 1]], dtype=np.float32))[0]
    assert scores["churn_probability"][2] == pytest.approx(expected, rel=1e-12)
    assert (set(scores["month"]), set(scores["model_version"])) == ({JANUARY}, {3})


def test_tiers_follow_the_probability(connection, model):
    """Each customer's tier is the highest whose bound the probability reaches;
    several tiers occur.
    """
    scores = scored(connection, model).to_pydict()
    expected = [
        next(name for name, bound in TIERS if value >= bound)
        for value in scores["churn_probability"]
    ]
    assert scores["risk_tier"] == expected
    assert len(set(expected)) >= 3


def test_the_lowest_tier_has_no_reasons(connection, model):
    """Reasons cost time, so only customers above the lowest tier get up to three."""
    scores = scored(connection, model).to_pydict()
    counts = [
        (tier == "low", len(reasons))
        for tier, reasons in zip(scores["risk_tier"], scores["reasons"], strict=True)
    ]
    assert {count for is_low, count in counts if is_low} == {0}
    assert {count for is_low, count in counts if not is_low} <= {0, 1, 2, 3}
    assert max(count for _, count in counts) >= 1


def test_deciles_are_tenths_of_the_ranking(connection, model):
    """Twenty of 200 customers in each decile, the highest probabilities in the first."""
    scores = scored(connection, model).to_pydict()
    deciles, probability = np.array(scores["decile"]), np.array(scores["churn_probability"])
    assert np.bincount(deciles).tolist() == [0] + [20] * 10
    for decile in range(1, 10):
        assert probability[deciles == decile].min() >= probability[deciles == decile + 1].max()


def test_deciles_of_few_customers():
    """Three customers fall into the first, fourth and seventh decile by rank."""
    assert _deciles(np.array([0.1, 0.9, 0.5])).tolist() == [7, 1, 4]


def test_batches_do_not_change_a_score(connection, model):
    """Scored in small batches or at once, every customer has the same score, tier and reasons."""
    at_once, in_batches = (
        scored(connection, model).to_pydict(),
        scored(connection, model, batch_rows=7).to_pydict(),
    )
    np.testing.assert_allclose(
        in_batches.pop("churn_probability"), at_once.pop("churn_probability"), rtol=1e-12
    )
    assert in_batches == at_once


def test_writing_scores_twice_keeps_one_of_each(connection, model, lake):
    """Scores of a month replace those before, list of reasons and all."""
    scores = scored(connection, model)
    for _ in range(2):
        assert (
            write(connection, lake, lambda: replace_scores(connection, TINY, JANUARY, scores))
            == 200
        )
    stored = connection.execute(
        "select * from tiny.monthly_scores order by customer_id"
    ).to_arrow_table()
    assert (
        stored.select(["customer_id", "reasons", "decile"]).to_pydict()
        == scores.select(["customer_id", "reasons", "decile"]).to_pydict()
    )


def test_a_month_without_features_is_named(connection, model):
    """Scoring what is not there says which month is missing."""
    with pytest.raises(DataError, match="tiny features of 2025-02: there are no rows"):
        score_month(
            connection, TINY, lambda: Champion(3, model, TIERS), FEBRUARY, batch_rows=100, threads=2
        )


def test_a_lake_without_features_is_named(lake, model):
    """Before the first features are materialized, scoring says the same, not that a table lacks."""
    with (
        closing(connect(lake)) as empty,
        pytest.raises(DataError, match="tiny features of 2025-01: there are no rows"),
    ):
        scored(empty, model)


def test_a_value_outside_the_catalogue_stops_scoring(connection, model, lake):
    """A broken feed is named by feature, count and example, and no score comes of it."""
    add_month(connection, lake, JANUARY, 99)
    with pytest.raises(
        DataError, match=r"tiny features of 2025-01: feature tickets: 200 values break .*e\.g\. 99"
    ):
        scored(connection, model)


def test_a_champion_is_not_asked_for_reasons_of_low_customers(connection, model):
    """With everyone in the lowest tier, no contribution is computed."""
    calm = Champion(3, replace(model, baseline=None), [("critical", 1.1), ("low", 0.0)])
    scores = score_month(
        connection, TINY, lambda: calm, JANUARY, batch_rows=1000, threads=2
    ).to_pydict()
    assert scores["reasons"] == [[]] * 200
