"""Which customers of a hold-out a champion knows."""

from dataclasses import replace

import numpy as np
import pytest

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.known_customers import known_customers
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.splits import STRATIFIED
from churn_platform.training.training_data import Labelled, TrainingSet, load_training_data
from churn_platform.training.versions import Version
from churn_platform.warehouse.tables import current_snapshot
from churn_platform_tests.support.tiny import JANUARY, TINY, customers, fit_tiny

CHAMPION = ModelRecord(
    portfolio="tiny",
    month="2025-06",
    algorithm="xgboost",
    mlflow_run_id="run",
    snapshot=1,
    code_version="1",
    training_months=["2025-01", "2025-02"],
    holdout_month="2025-04",
    threshold=0.2,
    base_rate=0.1,
    tiers=[],
    validation={},
    holdout={},
)
SNAPSHOT = TINY.model_copy(update={"split": TINY.split.model_copy(update={"policy": "stratified"})})


def fitted(portfolio: Portfolio, record: ModelRecord) -> Version:
    """The champion as a version of the portfolio; whom it knows does not depend on the model
    itself.
    """
    return Version.of(portfolio, 1, fit_tiny("logistic_regression"), record)


@pytest.mark.parametrize(
    ("holdout_month", "known"),
    [
        ("2024-12", False),
        ("2025-01", True),
        ("2025-03", True),
        ("2025-04", False),
        ("2025-05", False),
    ],
)
def test_out_of_time_a_champion_knows_the_months_before_its_own_hold_out(holdout_month, known):
    """Its training and validation months, and nothing before or after."""
    found = known_customers(None, fitted(TINY, CHAMPION), holdout_month, customers(10, seed=1))
    assert found is not None
    assert found.tolist() == [known] * 10


def test_of_a_snapshot_it_knows_its_training_and_validation_rows(labelled_lake):
    """Its own hold-out is new to it, whatever customers a later delivery brings; gone rows cannot
    be told.
    """
    version = current_snapshot(labelled_lake)
    champion = replace(
        CHAMPION, training_months=["2025-01"], holdout_month="2025-01", snapshot=version, seed=7
    )
    training_set = TrainingSet(JANUARY, {JANUARY: STRATIFIED}, version, 1.0)
    data = load_training_data(labelled_lake, SNAPSHOT, training_set)
    for part, known in ((data.train, True), (data.validation, True), (data.holdout, False)):
        assert (
            known_customers(labelled_lake, fitted(SNAPSHOT, champion), "2025-02", part) == known
        ).all()
    stranger = Labelled(
        data.train.features[:1], data.train.churned[:1], np.array(["nobody"], dtype=object)
    )
    assert not known_customers(labelled_lake, fitted(SNAPSHOT, champion), "2025-02", stranger).any()
    gone = replace(champion, snapshot=10_000)
    assert known_customers(labelled_lake, fitted(SNAPSHOT, gone), "2025-02", data.train) is None
