"""Loads the model that scores."""

from typing import TYPE_CHECKING

from churn_platform.portfolios.spec import Portfolio
from churn_platform.scoring.score import Champion
from churn_platform.training.model_registry import champion_version
from churn_platform.training.versions import load_version

if TYPE_CHECKING:
    from mlflow import MlflowClient


def load_champion(client: "MlflowClient", portfolio: Portfolio) -> Champion:
    """The champion with its tiers; TrainingError if none has been promoted."""
    return load_scorer(client, portfolio, champion_version(client, portfolio.name))


def load_scorer(client: "MlflowClient", portfolio: Portfolio, number: int) -> Champion:
    """Any version as it would score as champion; TrainingError if there is none."""
    version = load_version(client, portfolio, number)
    return Champion(version.number, version.model, version.record.tiers)
