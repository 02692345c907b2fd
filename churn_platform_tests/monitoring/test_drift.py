"""Drift against the champion's training rows."""

import numpy as np
import pytest

from churn_platform.monitoring.drift import (
    PSI_NOTABLE,
    feature_drift,
    make_reference,
    make_score_reference,
    prediction_drift,
    table_drift,
)
from churn_platform_tests.support.tiny import TINY, customers

IMPORTANCES = {"usage": 3.0, "tickets": 1.0, "plan": 0.0}
ROWS = 4000


def months(count: int) -> list[np.ndarray]:
    """Months of the tiny operator, all alike."""
    return [customers(ROWS, seed=seed).features for seed in range(count)]


def drifts(reference_months: list[np.ndarray], current: np.ndarray) -> dict:
    """Drift by feature."""
    reference = make_reference(reference_months, TINY.features)
    return {
        row.feature: row for row in feature_drift(reference, current, TINY.features, IMPORTANCES)
    }


def test_an_ordinary_month_does_not_drift():
    """Another sample of the same world is far below every limit."""
    rows = drifts(months(3), customers(ROWS, seed=99).features)
    assert max(row.psi for row in rows.values()) < PSI_NOTABLE / 5
    assert table_drift(list(rows.values())).drifted_features == ()


def test_drift_is_weighed_by_importance():
    """Two of four features moved; with 3 of 4 parts and none of the importance they count for three
    quarters.
    """
    current = customers(ROWS, seed=99).features
    current[:, 0] *= 0.5
    current[:, 3] = 0
    rows = list(drifts(months(3), current).values())
    table = table_drift(rows)
    assert table.drifted_features == ("usage", "plan")
    assert (table.drift_share, table.drifted_importance) == (0.5, pytest.approx(0.75))
    assert sum(row.importance for row in rows) == pytest.approx(1)


def test_missing_values_are_drift_and_are_told():
    """A feature that goes missing in half the rows drifts, and the change of its null share is
    said.
    """
    current = customers(ROWS, seed=99).features
    current[::2, 1] = np.nan
    row = drifts(months(2), current)["tickets"]
    assert row.is_drifted
    assert (row.null_share, row.null_share_change) == (0.5, 0.5)


def test_a_season_that_the_reference_knows_is_no_drift():
    """Use that is high in one month of the reference may be high again, but not twice as high."""
    usual, season = months(5), customers(ROWS, seed=50).features
    season[:, 0] *= 1.8
    again, beyond = customers(ROWS, seed=51).features, customers(ROWS, seed=52).features
    again[:, 0] *= 1.8
    beyond[:, 0] *= 4
    assert drifts(usual, again)["usage"].is_drifted
    assert not drifts([*usual, season], again)["usage"].is_drifted
    assert drifts([*usual, season], beyond)["usage"].is_drifted


def test_scores_drift_by_their_own_limit():
    """Scores of the same kind stay within it, scores moved by half a unit of log-odds do not."""
    generator = np.random.default_rng(1)
    before, after = generator.beta(1, 30, (2, 5000)), generator.beta(1, 30, 5000)
    reference = make_score_reference(list(before))
    distance, limit = prediction_drift(reference, after)
    assert distance < limit / 5
    assert prediction_drift(reference, after**0.6)[0] > limit


def test_no_importances_weigh_nothing():
    """Features that nobody named have no weight, and shares of a table without drift are zero."""
    rows = feature_drift(make_reference(months(1), TINY.features), months(1)[0], TINY.features, {})
    assert {row.importance for row in rows} == {0.0}
    assert table_drift(rows).drifted_importance == 0
    assert table_drift([]).drift_share == 0
