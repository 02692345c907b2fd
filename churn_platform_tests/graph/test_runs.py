"""Runs by command."""

from pathlib import Path

import pytest
import yaml

from churn_platform.errors import ChurnError
from churn_platform.graph.runs import REPOSITORY, dagster_instance

ROOT = Path(__file__).parents[2]


def test_runs_by_command_belong_to_the_location_of_the_workspace():
    """The UI lists a job's runs by this label."""
    (source,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert list(REPOSITORY.values()) == [
        f"__repository__@{source['python_module']['location_name']}"
    ]


def test_a_home_whose_history_dagster_would_put_elsewhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster does not quote its stores' addresses: a `?` ends the path, and nothing says so."""
    home = tmp_path / "really?"
    home.mkdir()
    (home / "dagster.yaml").write_text("{}")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with pytest.raises(ChurnError, match=r"cannot keep its history in .*really\?.*DAGSTER_HOME"):
        dagster_instance(home)
    assert [made.name for made in tmp_path.iterdir()] == ["really?"]
