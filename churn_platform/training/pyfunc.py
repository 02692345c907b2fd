"""The model as MLflow's generic Python model, apart because importing MLflow takes seconds."""

from typing import Any

import mlflow
import numpy as np

from churn_platform.training.model import ChurnModel


class ChurnPythonModel(mlflow.pyfunc.PythonModel):
    """Calibrated churn probabilities for a frame of encoded features."""

    def __init__(self, model: ChurnModel):
        self.model = model

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> np.ndarray:
        """Probability of churn, (rows,) float64."""
        return self.model.churn_probability(np.asarray(model_input, dtype=np.float32))
