"""The model as MLflow's generic Python model, apart because importing MLflow takes seconds."""

import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from churn_platform.training.model import ChurnModel


class ChurnPythonModel(PythonModel):
    """Calibrated churn probabilities for a frame of encoded features."""

    def __init__(self, model: ChurnModel):
        self.model = model

    def predict(self, context, model_input: pd.DataFrame, params=None) -> np.ndarray:
        """Probability of churn, (rows,) float64."""
        return self.model.churn_probability(np.asarray(model_input, dtype=np.float32))
