"""Models in MLflow: logged with their run, registered as versions, found again by version or alias."""

from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.errors import TrainingError
from churn_platform.training.model import ChurnModel

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"


def log_model(model: ChurnModel, example: np.ndarray) -> str:
    """Log the model with its signature to the active run; returns its URI.

    The estimator and its calibration are kept as one pickled object: `load_model` gives it back whole.
    """
    import mlflow
    import pandas as pd
    from mlflow.models import infer_signature

    frame = pd.DataFrame(example, columns=[feature.name for feature in model.features])
    info = mlflow.pyfunc.log_model(
        name="model",
        python_model=_pyfunc(model),
        signature=infer_signature(frame, model.churn_probability(example)),
        pip_requirements=["churn-platform"],
    )
    return info.model_uri


def _pyfunc(model: ChurnModel) -> Any:
    from churn_platform.training.pyfunc import ChurnPythonModel

    return ChurnPythonModel(model)


def load_model(client: "MlflowClient", portfolio: str, version: int) -> ChurnModel:
    """The model of a registered version."""
    import mlflow

    source = client.get_model_version(portfolio, str(version)).source
    return mlflow.pyfunc.load_model(source).unwrap_python_model().model


def register(client: "MlflowClient", portfolio: str, *, model_uri: str, run_id: str, tags: dict[str, str]) -> int:
    """A new version of the portfolio's registered model, under the alias `challenger`; returns its number."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_registered_model(portfolio)
    except MlflowException:
        client.create_registered_model(portfolio, description=f"Churn model of the portfolio {portfolio}.")
    version = client.create_model_version(portfolio, model_uri, run_id=run_id, tags=tags)
    client.set_registered_model_alias(portfolio, CHALLENGER, version.version)
    return int(version.version)


def challenger_of(client: "MlflowClient", portfolio: str, month: str) -> int:
    """The newest version registered for a month ('YYYY-MM'); TrainingError where there is none."""
    found = client.search_model_versions(f"name = '{portfolio}' and tags.month = '{month}'")
    if not found:
        raise TrainingError(f"{portfolio} has no challenger of {month}; materialize {portfolio}/challenger first")
    return max(int(version.version) for version in found)


def version_of(client: "MlflowClient", portfolio: str, alias: str) -> int | None:
    """The version under an alias; None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return int(client.get_model_version_by_alias(portfolio, alias).version)
    except MlflowException:
        return None


def champion_version(client: "MlflowClient", portfolio: str) -> int:
    """The champion's version; TrainingError where none has been promoted."""
    version = version_of(client, portfolio, CHAMPION)
    if version is None:
        raise TrainingError(f"{portfolio} has no champion; materialize {portfolio}/champion first")
    return version


def promote(client: "MlflowClient", portfolio: str, version: int) -> None:
    """Make a version the champion; the one before it becomes `previous`."""
    current = version_of(client, portfolio, CHAMPION)
    if current == version:
        return
    if current is not None:
        client.set_registered_model_alias(portfolio, PREVIOUS, str(current))
    client.set_registered_model_alias(portfolio, CHAMPION, str(version))
