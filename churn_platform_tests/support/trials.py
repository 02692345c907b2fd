"""Experiments on the tiny portfolio: a challenger against champion 1."""

from pathlib import Path

import msgspec

from churn_platform.published.experiment import LiveExperiment, two_arms
from churn_platform.published.live_file import direct_experiment
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.served_bundles import publish_version

TRIAL = LiveExperiment(
    name="trial",
    spec_hash="h",
    salt="s1",
    question="is_safe",
    step="slice",
    arms=two_arms(champion=1, challenger=2, weight=0.1),
)


def trial_of(weight: float, **fields: object) -> LiveExperiment:
    """Version 2 with a share of the customers; without one it scores in shadow."""
    arms = two_arms(champion=1, challenger=2, weight=weight)
    changes = {"arms": arms, "is_shadow": not weight} | fields
    return msgspec.structs.replace(TRIAL, **changes)


def start_trial(root: Path, model: ChurnModel, weight: float, **fields: object) -> LiveExperiment:
    """Publish the challenger and make the experiment live."""
    publish_version(root, 2, model)
    trial = trial_of(weight, **fields)
    direct_experiment(root, trial)
    return trial
