"""A prediction to log."""

import numpy as np

from churn_platform.published.prediction_log import Prediction


def prediction(**fields: object) -> Prediction:
    """A prediction of customer C1; `fields` replace what matters to a test."""
    usual = {
        "request_id": "r1",
        "item": 0,
        "portfolio": "tiny",
        "customer_id": "C1",
        "model_version": 3,
        "arm": "champion",
        "churn_probability": 0.25,
        "tier": "high",
        "features": np.array([1.5, np.nan], dtype="<f4").tobytes(),
        "features_month": "2026-10",
        "missing": ("age_years",),
        "at_us": 1_790_000_000_000_000,
        "latency_us": 800,
    }
    return Prediction(**(usual | fields))  # type: ignore[arg-type]
