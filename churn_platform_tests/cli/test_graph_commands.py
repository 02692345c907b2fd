"""Commands that run the graph: what they refuse before anything runs, and what a run is told."""

from datetime import date
from typing import Any

import pytest

from churn_platform.cli import graph_commands
from churn_platform.cli.app import console
from churn_platform.graph.landed_tag import LANDED_TAG


@pytest.fixture
def landed(settings):
    """Files of two months, the first of them before the graph's first month."""
    folder = settings.landing_dir / "telecomit" / "customers"
    folder.mkdir(parents=True)
    for name in ("2024-12.csv", "2026-01.csv"):
        (folder / name).touch()


def test_files_that_are_not_read_are_told(refusal, settings):
    """A month that is none, and a copy that an editor left."""
    folder = settings.landing_dir / "telecomit" / "customers"
    folder.mkdir(parents=True)
    for name in ("2025-13.parquet", "2025-00.csv~"):
        (folder / name).touch()
    with console.capture() as printed:
        assert refusal("run", "telecomit").startswith(
            f"no month has landed in {folder}; land a file"
        )
    assert printed.get().endswith(": customers/2025-00.csv~, customers/2025-13.parquet\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--from", "9999-12"), "'9999-12' is out of range; give a month from 1970-01 to 2099-12"),
        (
            ("--from", "2026-06", "--to", "2026-01"),
            "--from 2026-06 is after --to 2026-01; landed are 2024-12 to 2026-01",
        ),
        (
            ("--to", "2026-01"),
            "2024-12 is before the graph's first month, 2025-01; give a later month, or set",
        ),
        (("--from", "2026-01", "--to", "2099-01"), "2099-01 has not ended; give a month up to 20"),
    ],
)
@pytest.mark.usefixtures("landed")
def test_months_that_cannot_be_run_are_refused(refusal, arguments, told):
    """Before anything runs."""
    assert refusal("run", "telecomit", *arguments).startswith(told)


def test_a_file_is_not_landed_for_a_month_that_cannot_be_run(refusal, settings, tmp_path):
    """It would be in the way of later runs."""
    (tmp_path / "customers.csv").write_text("customerID\n")
    arguments = ("--file", "customers.csv", "--to", "1990-01")
    assert refusal("run", "ibm_telco", *arguments).startswith(
        "1990-01 is before the graph's first month"
    )
    assert not settings.landing_dir.exists()


def test_a_month_that_cannot_be_scored_is_refused(refusal):
    """In the graph's terms, and with the setting."""
    told = refusal("score", "telecomit", "--month", "1990-01")
    assert told.startswith("1990-01 is before the graph's first month, 2025-01; ")
    assert told.endswith("CHURN_FIRST_MONTH")


@pytest.mark.usefixtures("landed")
def test_a_run_of_features_says_which_files_it_takes_in(settings, monkeypatch):
    """So that a daemon does not ask for them as well; other runs read no landed file."""
    told: dict[str, Any] = {}

    class Runner:
        def run(self, job: str, begin: date, end: date, *, tags: Any = None) -> None:
            told[job] = tags

    monkeypatch.setattr(graph_commands, "_data_verdict", lambda settings, spec: "enough")
    folder = settings.landing_dir / "telecomit"
    for table in ("cdr", "transactions", "support_tickets", "app_usage"):
        (folder / table).mkdir()
        (folder / table / "2026-01.csv").touch()
    month = date(2026, 1, 1)
    graph_commands._run_graph(Runner(), settings, "telecomit", month, month, scored=month)
    assert list(told) == ["telecomit_features", "telecomit_training", "telecomit_scores"]
    assert '"2026-01-01"' in told["telecomit_features"][LANDED_TAG]
    assert told["telecomit_training"] is None
