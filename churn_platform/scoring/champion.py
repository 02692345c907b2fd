"""Loads the model that scores."""

from typing import TYPE_CHECKING

from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import Champion
from churn_platform.training.record import ModelRecord, record_of_version
from churn_platform.training.registry import champion_version, load_model

if TYPE_CHECKING:
    from mlflow import MlflowClient


def load_champion(client: "MlflowClient", portfolio: Portfolio) -> Champion:
    """The champion with its tiers; TrainingError where none has been promoted."""
    version = champion_version(client, portfolio.name)
    tiers = champion_record(client, portfolio).tiers
    return Champion(version, load_model(client, portfolio.name, version), tiers)


def champion_record(client: "MlflowClient", portfolio: Portfolio) -> ModelRecord:
    """What is recorded of the champion; TrainingError where none has been promoted."""
    version = champion_version(client, portfolio.name)
    return record_of_version(client, portfolio.name, version)
