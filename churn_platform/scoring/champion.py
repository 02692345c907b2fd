"""Loads the model that scores."""

from typing import TYPE_CHECKING

from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import Champion
from churn_platform.training.record import record_of_version
from churn_platform.training.registry import champion_version, load_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


def load_champion(client: "MlflowClient", portfolio: Portfolio) -> Champion:
    """The champion with its tiers; TrainingError where none has been promoted."""
    version = champion_version(client, portfolio.name)
    record = record_of_version(client, portfolio.name, version)
    return Champion(version, load_model(client, portfolio.name, version), record.tiers)
