"""The command `churn` in this process, in a folder of its own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from churn_platform.cli import app, main
from churn_platform.cli.app import console
from churn_platform.settings import Settings, load_settings


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    exit_code: int
    stdout: str


Churn = Callable[..., Done]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an empty installation, which the command finds in its
    environment and its folder.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHURN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return load_settings()


@pytest.fixture
def churn(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Churn:
    """Runs the command on a wide terminal; errors of the platform are raised as such."""
    monkeypatch.setattr(console, "_width", 250)

    def churn(*arguments: str) -> Done:
        with console.capture() as captured:
            outcome = CliRunner().invoke(app, list(arguments))
        if outcome.exception and not isinstance(outcome.exception, SystemExit):
            raise outcome.exception
        return Done(outcome.exit_code, captured.get())

    return churn


@pytest.fixture
def refusal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Runs the command to its end and returns what it says of its one error."""

    def refusal(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["churn", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        told = capsys.readouterr().err
        assert told.startswith("error ")
        assert told.count("\n") == 1
        return told.removeprefix("error ").strip()

    return refusal
