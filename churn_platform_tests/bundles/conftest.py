"""What a publication is made of."""

import pytest

from churn_platform.metrics.metrics import measure
from churn_platform.training.model import ChurnModel
from churn_platform.training.record import ModelRecord
from churn_platform_tests.support.tiny import TINY, customers


@pytest.fixture
def record(model: ChurnModel) -> ModelRecord:
    """The record of a fitted model."""
    holdout = customers(200, seed=5)
    metrics = measure(
        holdout.churned, model.churn_probability(holdout.features), threshold=0.3, economics=TINY.economics
    ).as_dict()
    return ModelRecord(
        portfolio="tiny",
        month="2025-03",
        algorithm=model.algorithm,
        mlflow_run_id="run",
        snapshot=17,
        code_version="1+abc",
        training_months=["2025-01"],
        holdout_month="2025-02",
        threshold=0.3,
        base_rate=0.2,
        tiers=[("critical", 0.5), ("high", 0.3), ("medium", 0.2), ("low", 0.0)],
        validation=metrics,
        holdout=metrics,
    )
