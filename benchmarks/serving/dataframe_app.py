"""How a model is often served: a FastAPI handler that builds a DataFrame and
calls predict_proba.
"""

import os
from typing import Any

import pandas as pd
from fastapi import FastAPI
from xgboost import XGBClassifier

model = XGBClassifier(n_jobs=1)
model.load_model(os.environ["BENCHMARK_BOOSTER"])
app = FastAPI()


@app.post("/predict")
async def predict(customer: dict[str, Any]) -> dict[str, float]:
    """The probability of one encoded customer."""
    frame = pd.DataFrame([customer]).astype("float32")
    return {"churn_probability": float(model.predict_proba(frame)[0, 1])}
