"""The facts of a card, made once per algorithm."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from churn_platform.governance.card import Facts
from churn_platform.governance.explanations import importances
from churn_platform.metrics.fairness import measure_fairness
from churn_platform.metrics.segments import measure_slices
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord
from churn_platform_tests.support.served_bundles import record_of
from churn_platform_tests.support.tiny import customers

HARSH = "søn <script>alert(1)</script> | *x* [a](http://b) 客"


def make_facts(portfolio: Portfolio, record: ModelRecord, **changes) -> Facts:
    """Facts of a version of the portfolio, on groups whose names are as harsh as names can be."""
    who = customers(400, seed=5)
    groups = {"plan": np.where(who.features[:, 1] > 2, HARSH, "b_c").astype(object)}
    probability = np.linspace(0.05, 0.95, len(who))
    rows = [
        {
            "features_month": date(2025, 1, 1),
            "split": "train",
            "customers": 1500,
            "churned": 333,
            "train_share": 0.5,
        },
        {
            "features_month": date(2025, 2, 1),
            "split": "holdout",
            "customers": 400,
            "churned": 99,
            "train_share": 0.5,
        },
    ]
    evaluation = {
        "is_promoted": False,
        "reason": f"refused: {HARSH}",
        "champion_version": 2,
        "evidence": {
            "challenger": {
                "reliability": [{"customers": 40, "churned": 4, "mean_probability": 0.125}]
            }
        },
    }
    measured = {"threshold": record.threshold}
    facts = {
        "portfolio": portfolio,
        "version": 7,
        "record": record,
        "parameters": {"max_depth": "3", "odd|name": HARSH},
        "training_rows": rows,
        "ranking": importances(portfolio.features, np.ones((2, len(portfolio.features)))),
        "fairness": measure_fairness(
            groups, who.churned, probability, gates=portfolio.gates, seed=1, **measured
        ),
        "slices": measure_slices(groups, who.churned, probability, min_outcomes=10, **measured),
        "evaluation": evaluation,
        "pictures": {"shap_summary.png": b"\x89PNG1", "shap_dependence_plan.png": b"\x89PNG2"},
    }
    return Facts(**facts | changes)


@pytest.fixture
def record(model: ChurnModel) -> ModelRecord:
    """A record with numbers that stand nowhere else."""
    metrics = {
        "auc": 0.81234,
        "recall": 0.71239,
        "calibration_error": 0.01117,
        "churn_rate": 0.2471,
        "customers": 400,
    }
    return replace(
        record_of(model),
        mlflow_run_id="a1b2c3",
        threshold=0.31418,
        base_rate=0.222,
        tiers=[("critical", 0.5556), ("high", 0.31418), ("medium", 0.2), ("low", 0.0)],
        validation=metrics | {"auc": 0.83333},
        holdout=metrics,
    )
