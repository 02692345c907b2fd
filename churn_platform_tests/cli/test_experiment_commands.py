"""`churn experiment` finds its spec, and says what there is if it does not."""

import pytest
import yaml
from typer.testing import CliRunner

from churn_platform.cli import app
from churn_platform.errors import ChurnError, ExperimentError
from churn_platform_tests.experiments.conftest import spec_of

COMMANDS = ("plan", "status", "history")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One experiment, of a portfolio that does not exist."""
    monkeypatch.setenv("CHURN_EXPERIMENTS_DIR", str(tmp_path))
    monkeypatch.setenv("CHURN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CHURN_PORTFOLIOS_DIR", str(tmp_path / "portfolios"))
    spec = spec_of(portfolio="nowhere").model_dump(mode="json")
    (tmp_path / "boosting.yaml").write_text(yaml.safe_dump(spec))
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_experiment_is_told_with_those_there_are(folder, command):
    """And where to write it."""
    result = CliRunner().invoke(app, ["experiment", command, "other"])
    assert isinstance(result.exception, ExperimentError)
    assert "there are: boosting; write" in str(result.exception)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_experiment_of_an_unknown_portfolio_is_told(folder, command):
    """Before anything is asked of MLflow or the lake."""
    result = CliRunner().invoke(app, ["experiment", command, "boosting"])
    assert isinstance(result.exception, ChurnError)
    assert "no portfolio 'nowhere'" in str(result.exception)


@pytest.mark.parametrize("command", ["start", "advance", "pause", "resume", "stop", "ship"])
def test_what_changes_an_experiment_needs_a_reason(command):
    """It goes into the audit trail."""
    result = CliRunner().invoke(app, ["experiment", command, "boosting"])
    assert result.exit_code == 2
