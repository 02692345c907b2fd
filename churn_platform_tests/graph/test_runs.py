"""Runs by command."""

from pathlib import Path

import yaml

from churn_platform.graph.runs import REPOSITORY

ROOT = Path(__file__).parents[2]


def test_runs_by_command_belong_to_the_location_of_the_workspace():
    """The UI lists a job's runs by this label."""
    (source,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert list(REPOSITORY.values()) == [
        f"__repository__@{source['python_module']['location_name']}"
    ]
