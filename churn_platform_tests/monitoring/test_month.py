"""A month of a tiny operator against the model that was trained on the months before."""

from contextlib import closing
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from churn_platform.monitoring import month as found
from churn_platform.monitoring.watched import Watched, with_reference
from churn_platform.months import label, shift
from churn_platform.portfolios.snapshot import LABEL_COLUMNS
from churn_platform.training.data import Labelled
from churn_platform.training.plan import replace_training_set
from churn_platform.training.record import ModelRecord
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, ensure_table, replace_month, write
from churn_platform_tests.tiny import APRIL, JANUARY, TINY, customers, fit_tiny
from churn_platform_tests.training.conftest import FEATURE_TYPES

CUSTOMERS = 3_000
MAY, JUNE = shift(APRIL, 1), shift(APRIL, 2)
LEVELS = np.array(["prepaid", "monthly", "yearly"], dtype=object)


def as_table(month: date, people: Labelled) -> pa.Table:
    """Customers as the lake keeps them."""
    usage, tickets, is_late, plan = people.features.T.astype(float)
    return pa.table(
        {
            "customer_id": people.customer_ids.astype(str),
            "month": pa.array([month] * len(people)),
            "usage": pa.array(usage, from_pandas=True),
            "tickets": tickets.astype(int),
            "is_late": is_late == 1,
            "plan": [None if np.isnan(code) else LEVELS[int(code)] for code in plan],
            "churned": people.churned == 1,
        }
    )


def add(connection, lake: Lake, month: date, people: Labelled, *, schema: str = "tiny") -> None:
    """Write a month of features, and its labels into the month after."""

    def work() -> None:
        features, labels = f"{schema}.customer_features", f"{schema}.churn_labels"
        ensure_table(connection, features, {"customer_id": "varchar", "month": "date"} | FEATURE_TYPES)
        ensure_table(connection, labels, LABEL_COLUMNS)
        connection.register("rows", as_table(month, people))
        replace_month(connection, features, month, "select * exclude (churned) from rows")
        select = f"select date '{shift(month, 1)}' as month, customer_id, month as features_month, churned from rows"
        replace_month(connection, labels, shift(month, 1), select)
        connection.unregister("rows")

    write(connection, lake, work)


def record(snapshot: int) -> ModelRecord:
    """What is kept of a model trained in May: fitted on January and February, judged on April."""
    return ModelRecord(
        portfolio="tiny",
        month=label(MAY),
        algorithm="logistic_regression",
        mlflow_run_id="run",
        snapshot=snapshot,
        code_version="test",
        training_months=["2025-01", "2025-02"],
        holdout_month=label(APRIL),
        threshold=0.3,
        base_rate=0.25,
        tiers=[],
        validation={},
        holdout={},
    )


@pytest.fixture
def tiny(lake: Lake):
    """A lake with January to April and a training set of May."""
    with closing(connect(lake)) as connection:
        for seed, month in enumerate((JANUARY, shift(JANUARY, 1), shift(JANUARY, 2), APRIL)):
            add(connection, lake, month, customers(CUSTOMERS, seed=seed))
        write(connection, lake, lambda: replace_training_set(connection, TINY, MAY, rows_max=100_000))
        yield connection


@pytest.fixture
def watched(tiny) -> Watched:
    """The model with its reference."""
    model = fit_tiny("logistic_regression")
    return with_reference(tiny, TINY, 1, model, record(current_snapshot(tiny)))


def test_the_reference_is_the_training_months(watched):
    """Features as fitted on in January and February, scores of the two months that it did not see."""
    assert len(watched.sample) == 2 * CUSTOMERS
    assert watched.reference.counts[1].sum() == 2 * CUSTOMERS
    assert watched.scores.counts[0].sum() == 2 * CUSTOMERS
    assert 0.9 < watched.habit.churn_ratio_low <= 1 <= watched.habit.churn_ratio_high < 1.1


def test_an_ordinary_month_is_quiet_in_every_respect(tiny, lake, watched):
    """Neither features nor scores drift, and the outcomes are as promised, with a row per segment."""
    add(tiny, lake, MAY, customers(CUSTOMERS, seed=9))
    current = found.own_features(tiny, TINY, watched, MAY)
    assert not any(row["is_drifted"] for row in found.find_feature_drift(watched, current))
    (scores,) = found.find_prediction_drift(watched, current)
    assert not scores["is_drifted"]
    assert abs(scores["score_mean_shift"]) < 0.05
    everyone = found.find_performance(tiny, TINY, watched, JUNE)[0]
    assert (everyone["segment"], everyone["features_month"], everyone["customers"]) == ("all", MAY, CUSTOMERS)
    assert everyone["scored_by"] == "champion"
    assert abs(everyone["auc_gap"]) < 0.05
    assert scores["expected_auc"] == pytest.approx(everyone["auc"], abs=0.05)


def test_a_changed_world_shows_in_the_outcomes_alone(tiny, lake, watched):
    """Customers look as ever but leave for other reasons."""
    people = customers(CUSTOMERS, seed=9)
    shuffled = np.random.default_rng(1).permutation(people.churned)
    add(tiny, lake, MAY, Labelled(people.features, shuffled, people.customer_ids))
    current = found.own_features(tiny, TINY, watched, MAY)
    assert not any(row["is_drifted"] for row in found.find_feature_drift(watched, current))
    assert found.find_performance(tiny, TINY, watched, JUNE)[0]["auc_gap_low"] > 0.1


def test_a_month_without_labels_or_features_has_no_rows(tiny, watched):
    """Nothing matured, nothing to sample: nothing is claimed."""
    assert found.find_performance(tiny, TINY, watched, shift(JUNE, 5)) == []
    assert len(found.own_features(tiny, TINY, watched, shift(JUNE, 5))) == 0


@pytest.mark.parametrize(("requests", "rows"), [(0, 0), (499, 0), (500, 4)])
def test_requests_are_compared_once_they_suffice(tiny, watched, requests, rows):
    """Without a log, and below 500 requests, there is nothing to compare; from there on each feature has a row."""
    if requests:
        tiny.execute(
            "create table tiny.serving_log as select date '2025-04-01' as month, 'r' || i as request_id, 0 as item, "
            f"1 as model_version, [90, 5, 1, 0]::float[] as features from range({requests}) as numbers(i)"
        )
    drifted = found.find_serving_drift(tiny, TINY, watched, APRIL)
    assert len(drifted) == rows
    assert all(row["is_drifted"] for row in drifted)
