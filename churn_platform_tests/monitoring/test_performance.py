"""Performance of matured customers."""

from contextlib import closing

import numpy as np
import pytest

from churn_platform.monitoring.performance import (
    ALL,
    Matured,
    calibration_slope,
    matured_features_months,
    performance_rows,
    served_scores,
)
from churn_platform.training.training_data import Labelled
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, TINY
from churn_platform_tests.training.conftest import add_month

IDS = np.array(["A", "B", "C", "D"], dtype=object)


def matured(customers: int) -> Matured:
    """Customers of whom every fourth churned, with honest probabilities that rank well."""
    generator = np.random.default_rng(1)
    churned = (np.arange(customers) % 4 == 0).astype(np.int8)
    probability = np.clip(0.2 + 0.3 * churned + generator.uniform(-0.1, 0.1, customers), 0, 1)
    ids = np.array([f"C{number:04d}" for number in range(customers)], dtype=object)
    return Matured(
        FEBRUARY, JANUARY, Labelled(np.zeros((customers, 1)), churned, ids), probability, "champion"
    )


@pytest.fixture
def tiny_lake_with_scores(lake: Lake):
    """Scores of January by version 3 for A to D, and a campaign in February that contacted B."""
    with closing(connect(lake)) as connection:
        connection.execute("create schema tiny")
        connection.execute("create schema tiny_raw")
        connection.execute(
            "create table tiny.monthly_scores as select date '2025-01-01' as month, "
            "3 as model_version, "
            "customer_id, probability as churn_probability "
            "from (values ('D', 0.4), ('B', 0.2), ('A', 0.1), ('C', 0.3)) as scores(customer_id, "
            "probability)"
        )
        connection.execute(
            "create table tiny_raw.campaign_contacts as select date '2025-02-01' as month, "
            "'B' as customer_id"
        )
        yield connection


def test_served_scores_are_found_by_customer(tiny_lake_with_scores):
    """In the order asked for, whatever the order they are stored in; a part of the customers will
    do.
    """
    scores = served_scores(tiny_lake_with_scores, TINY, JANUARY, 3, IDS)
    assert scores.tolist() == [0.1, 0.2, 0.3, 0.4]
    assert served_scores(tiny_lake_with_scores, TINY, JANUARY, 3, IDS[1:3]).tolist() == [0.2, 0.3]


@pytest.mark.parametrize(
    ("month", "version", "ids"),
    [
        (JANUARY, 4, IDS),
        (FEBRUARY, 3, IDS),
        (JANUARY, 3, np.append(IDS, "E")),
        (JANUARY, 3, np.append("0", IDS)),
    ],
)
def test_scores_that_are_not_all_there_are_not_used(tiny_lake_with_scores, month, version, ids):
    """Another version's, another month's, or those that lack a customer are none."""
    assert served_scores(tiny_lake_with_scores, TINY, month, version, ids) is None


def test_without_tables_everybody_stays_and_nothing_matures(lake):
    """A young lake has no scores and no labels, and that is no error."""
    with closing(connect(lake)) as connection:
        assert served_scores(connection, TINY, JANUARY, 3, IDS) is None
        assert matured_features_months(connection, TINY, JANUARY) == []


def test_labels_mature_in_the_month_of_the_outcome(lake):
    """January's customers are known in February."""
    with closing(connect(lake)) as connection:
        add_month(connection, lake, JANUARY, 1)
        assert matured_features_months(connection, TINY, FEBRUARY) == [JANUARY]
        assert matured_features_months(connection, TINY, JANUARY) == []


def test_segments_are_measured_where_outcomes_suffice():
    """All customers come first, then each level with 20 churners and stayers; a level of ten is
    left out.
    """
    everyone = matured(400)
    groups = {"plan": np.array(["small"] * 10 + ["large"] * 390, dtype=object)}
    rows = performance_rows(everyone, groups, threshold=0.35, economics=TINY.economics)
    assert [(row["segment"], row["level"], row["customers"], row["churners"]) for row in rows] == [
        (ALL, ALL, 400, 100),
        ("plan", "large", 390, 97),
    ]
    assert (rows[0]["auc"], rows[0]["recall"], rows[0]["churn_rate"]) == (1, 1, 0.25)
    assert rows[0]["auc_gap"] < 0 < rows[0]["calibration_slope"]
    assert rows[0]["recall_low"] < 1 == rows[0]["recall_high"]


def test_a_handful_of_outcomes_has_no_row():
    """Nothing is claimed of customers of whom too few churned."""
    assert performance_rows(matured(40), {}, threshold=0.35, economics=TINY.economics) == []


def test_an_overconfident_model_has_a_slope_below_one():
    """Log-odds that are twice too far from zero need half the slope."""
    generator = np.random.default_rng(2)
    log_odds = generator.normal(-1, 1.5, 50_000)
    churned = (generator.uniform(size=50_000) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    assert calibration_slope(churned, 1 / (1 + np.exp(-log_odds))) == pytest.approx(1, abs=0.05)
    assert calibration_slope(churned, 1 / (1 + np.exp(-2 * log_odds))) == pytest.approx(
        0.5, abs=0.03
    )
