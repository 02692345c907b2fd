"""A month of a tiny operator against the model that was trained on the months before."""

from contextlib import closing
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from churn_platform.errors import TrainingError
from churn_platform.ingest.snapshot import LABEL_COLUMNS
from churn_platform.monitoring import monitored_month as found
from churn_platform.monitoring.reference import Watched, with_reference
from churn_platform.months import label, shift
from churn_platform.portfolios.encoding import encoded_columns
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.splits import HOLDOUT, TRAIN, row_splits
from churn_platform.training.training_data import Labelled
from churn_platform.training.training_plan import replace_training_set
from churn_platform.training.versions import Version
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.maintenance import expire
from churn_platform.warehouse.tables import current_snapshot, ensure_table, replace_month, write
from churn_platform_tests.support.tiny import APRIL, JANUARY, TINY, customers, fit_tiny
from churn_platform_tests.training.conftest import FEATURE_TYPES

CUSTOMERS = 3_000
MAY, JUNE = shift(APRIL, 1), shift(APRIL, 2)
SNAPSHOT = TINY.model_copy(update={"split": TINY.split.model_copy(update={"policy": "stratified"})})
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
        ensure_table(
            connection, features, {"customer_id": "varchar", "month": "date"} | FEATURE_TYPES
        )
        ensure_table(connection, labels, LABEL_COLUMNS)
        connection.register("rows", as_table(month, people))
        replace_month(connection, features, month, "select * exclude (churned) from rows")
        select = (
            f"select date '{shift(month, 1)}' as month, customer_id, month as features_month, "
            "churned from rows"
        )
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


def fitted(snapshot: int, portfolio: Portfolio = TINY) -> Version:
    """That model as version 1, with a portfolio of today."""
    return Version.of(portfolio, 1, fit_tiny("logistic_regression"), record(snapshot))


@pytest.fixture
def tiny(lake: Lake):
    """A lake with January to April and a training set of May."""
    with closing(connect(lake)) as connection:
        for seed, month in enumerate((JANUARY, shift(JANUARY, 1), shift(JANUARY, 2), APRIL)):
            add(connection, lake, month, customers(CUSTOMERS, seed=seed))
        write(
            connection, lake, lambda: replace_training_set(connection, TINY, MAY, rows_max=100_000)
        )
        yield connection


@pytest.fixture
def watched(tiny) -> Watched:
    """The model with its reference."""
    return with_reference(tiny, fitted(current_snapshot(tiny)))


def test_the_reference_is_the_training_months(watched):
    """Features as fitted on in January and February, scores of the two months
    that it did not see.
    """
    assert len(watched.sample) == 2 * CUSTOMERS
    assert watched.reference.counts[1].sum() == 2 * CUSTOMERS
    assert watched.scores.counts[0].sum() == 2 * CUSTOMERS
    assert 0.9 < watched.habit.churn_ratio_low <= 1 <= watched.habit.churn_ratio_high < 1.1


def test_an_ordinary_month_is_quiet_in_every_respect(tiny, lake, watched):
    """Neither features nor scores drift, and the outcomes are as promised, with
    a row per segment.
    """
    add(tiny, lake, MAY, customers(CUSTOMERS, seed=9))
    current = found.own_features(tiny, TINY, watched, MAY)
    assert not any(row["is_drifted"] for row in found.find_feature_drift(watched, current))
    (scores,) = found.find_prediction_drift(watched, current)
    assert not scores["is_drifted"]
    assert abs(scores["score_mean_shift"]) < 0.05
    everyone = found.find_performance(tiny, TINY, watched, JUNE)[0]
    assert (everyone["segment"], everyone["features_month"], everyone["customers"]) == (
        "all",
        MAY,
        CUSTOMERS,
    )
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
    """Without a log, and below 500 requests, there is nothing to compare; from there on each
    feature has a row.
    """
    if requests:
        tiny.execute(
            "create table tiny.serving_log as select date '2025-04-01' as month, "
            "'r' || i as request_id, 0 as item, "
            "1 as model_version, '2025-03' as features_month, [90, 5, 1, 0]::float[] as features "
            f"from range({requests}) as numbers(i)"
        )
    drifted = found.find_serving_drift(tiny, TINY, watched, APRIL)
    assert len(drifted) == rows
    assert all(row["is_drifted"] for row in drifted)


def test_requests_are_compared_with_the_customers_who_were_live(tiny, lake, watched):
    """In May the service answers from April: May's customers are others, and no drift of the
    requests.
    """
    add(tiny, lake, MAY, replaced(customers(CUSTOMERS, seed=9), tickets=40))
    tiny.execute(
        "create table tiny.serving_log as select date '2025-05-01' as month, "
        "customer_id as request_id, 0 as item, "
        "1 as model_version, '2025-04' as features_month, [usage, tickets, is_late, "
        "plan]::float[] as features from "
        f"(select customer_id, {encoded_columns(TINY.features)} from tiny.customer_features "
        f"where month = '{APRIL}')"
    )
    drifted = found.find_serving_drift(tiny, TINY, watched, MAY)
    assert len(drifted) == 4
    assert not any(row["is_drifted"] for row in drifted)


def test_an_older_version_is_watched_though_the_catalogue_grew(tiny, lake):
    """Its snapshot has no column of the newer feature."""
    snapshot = current_snapshot(tiny)
    tiny.execute("alter table tiny.customer_features add column newcomer double")
    newcomer = TINY.features[0].model_copy(update={"name": "newcomer"})
    grown = TINY.model_copy(update={"features": (*TINY.features, newcomer)})
    watched = with_reference(tiny, fitted(snapshot, grown))
    assert watched.sample.shape == (2 * CUSTOMERS, 4)
    assert found.own_features(tiny, grown, watched, APRIL).shape == (CUSTOMERS, 4)


def test_a_version_is_watched_though_an_erasure_took_its_snapshot(tiny, lake):
    """The same months are read as they are now; without them it says that there is nothing to
    compare with.
    """
    snapshot = current_snapshot(tiny)
    tiny.execute("delete from tiny.customer_features where customer_id = 'C00001'")
    expire(tiny, [snapshot])
    watched = with_reference(tiny, fitted(snapshot))
    assert len(watched.sample) == 2 * (CUSTOMERS - 1)
    tiny.execute("delete from tiny.customer_features where month = ?", [JANUARY])
    with pytest.raises(
        TrainingError,
        match=r"cannot be watched.*no labelled customers any more.*2025-01 to 2025-04",
    ):
        with_reference(tiny, fitted(snapshot))


def test_values_out_of_range_are_measured_all_the_same(tiny, lake, watched):
    """They are what drift is about, and the outcomes tell how the model copes."""
    add(tiny, lake, MAY, replaced(customers(CUSTOMERS, seed=9), tickets=51))
    assert found.find_performance(tiny, TINY, watched, JUNE)[0]["customers"] == CUSTOMERS


def test_of_a_snapshot_delivered_again_only_strangers_are_judged(lake):
    """Outcomes that the version was fitted on would flatter it; where nobody else is there, nothing
    is claimed.
    """
    people = customers(CUSTOMERS, seed=1)
    with closing(connect(lake)) as connection:
        add(connection, lake, JANUARY, people)
        add(connection, lake, shift(JANUARY, 1), people)
        snapshot = current_snapshot(connection)
        january = replace(
            record(snapshot),
            month="2025-01",
            training_months=["2025-01"],
            holdout_month="2025-01",
            seed=7,
        )
        watched = with_reference(
            connection, Version.of(SNAPSHOT, 1, fit_tiny("logistic_regression"), january)
        )
        parts = row_splits(people.churned, SNAPSHOT.split)
        assert len(watched.sample) == (parts == TRAIN).sum()
        assert watched.scores.counts[0].sum() == (parts != TRAIN).sum()
        assert (
            found.find_performance(connection, SNAPSHOT, watched, shift(JANUARY, 2))[0]["customers"]
            == (parts == HOLDOUT).sum()
        )
        add(connection, lake, APRIL, people)  # the newest snapshot cannot go
        expire(connection, [snapshot])
        assert found.find_performance(connection, SNAPSHOT, watched, shift(JANUARY, 2)) == []


def replaced(people: Labelled, *, tickets: int) -> Labelled:
    """The same customers, each with so many tickets."""
    features = people.features.copy()
    features[:, 1] = tickets
    return Labelled(features, people.churned, people.customer_ids)


def test_whom_a_campaign_contacted_is_not_judged_by(tiny, lake, watched):
    """An accepted offer keeps a customer whom the model rightly named; the reference leaves such
    customers out, too.
    """
    add(tiny, lake, MAY, customers(CUSTOMERS, seed=9))
    tiny.execute("create schema if not exists tiny_raw")
    tiny.execute(
        "create table tiny_raw.campaign_contacts as select months.month, customer_id "
        "from tiny.customer_features, "
        f"(values (date '{JANUARY}'), (date '{JUNE}')) as months(month) "
        f"where customer_features.month = '{MAY}' and customer_id < 'C00100'"
    )
    assert found.find_performance(tiny, TINY, watched, JUNE)[0]["customers"] == CUSTOMERS - 100
    now = with_reference(tiny, fitted(current_snapshot(tiny)))
    assert len(now.sample) == 2 * CUSTOMERS - 100
