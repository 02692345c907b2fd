"""Bundles of the tiny portfolio, made by the platform's own publication, for
the service to read.
"""

from pathlib import Path

import numpy as np

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.published.format import pack_customer
from churn_platform.published.live_file import go_live
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_record import ModelRecord
from churn_platform_tests.support.tiny import TINY, customers

MONTH = "2025-02"
TIERS = [("critical", 0.5), ("high", 0.3), ("medium", 0.2), ("low", 0.0)]
PEOPLE = customers(300, seed=9)
GHOST = "GHOST"  # known by name, without any feature

IBM_CUSTOMER = {
    "gender": "Female",
    "SeniorCitizen": 0,
    "Partner": "Yes",
    "Dependents": "No",
    "tenure": 1,
    "PhoneService": "No",
    "MultipleLines": "No phone service",
    "InternetService": "DSL",
    "OnlineSecurity": "No",
    "OnlineBackup": "Yes",
    "DeviceProtection": "No",
    "TechSupport": "No",
    "StreamingTV": "No",
    "StreamingMovies": "No",
    "Contract": "Month-to-month",
    "PaperlessBilling": "Yes",
    "PaymentMethod": "Electronic check",
    "MonthlyCharges": 29.85,
    "TotalCharges": " ",
}


def record_of(model: ChurnModel, portfolio: str = "tiny") -> ModelRecord:
    """What publication wants to know of a model."""
    return ModelRecord(
        portfolio=portfolio,
        month="2025-03",
        algorithm=model.algorithm,
        mlflow_run_id="run",
        snapshot=17,
        code_version="1+abc",
        training_months=["2025-01"],
        holdout_month="2025-02",
        threshold=0.3,
        base_rate=0.25,
        tiers=TIERS,
        validation={"auc": 0.8},
        holdout={"auc": 0.8},
    )


def publish_version(root: Path, version: int, model: ChurnModel) -> None:
    """The model's bundle, not named live."""
    publish_model(root, version, model, record_of(model, root.name), PEOPLE.features)


def publish_month(root: Path, model: ChurnModel, *, scored_by: int, month: str = MONTH) -> None:
    """Features and scores of all people, with the ghost among them, not named live."""
    scores = model.churn_probability(PEOPLE.features)
    rows = {
        customer_id: pack_customer(PEOPLE.features[row], scores[row], [f"reason of {customer_id}"])
        for row, customer_id in enumerate(PEOPLE.customer_ids)
    }
    rows[GHOST] = pack_customer(np.full(4, np.nan, dtype=np.float32), 0.9, [])
    publish_features(
        root,
        portfolio=root.name,
        month=month,
        features=TINY.feature_names,
        scored_by=scored_by,
        customers=sorted(rows.items()),
    )


def publish(
    published_dir: Path, model: ChurnModel, *, version: int = 1, name: str = "tiny"
) -> Path:
    """A portfolio with a champion and a month, live; returns its folder."""
    root = published_dir / name
    publish_version(root, version, model)
    publish_month(root, model, scored_by=version)
    go_live(root, name, champion=version, features_month=MONTH)
    return root
