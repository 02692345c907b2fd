"""dbt as a thread of this process: what it tells, and that it has ended when its context ends."""

import os
from datetime import date
from pathlib import Path

import pytest
from dbt_common.events.base_types import msg_from_base_event
from dbt_common.events.types import Note

from churn_platform.graph.dbt_in_process import DbtInvocation, _scrubbed
from churn_platform.graph.dbt_profile import dbt_environment
from churn_platform.graph.dbt_project import folder_options
from churn_platform.portfolios.loader import load_recipe
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.support.data_folders import fill_data_folder, parsed_project
from churn_platform_tests.support.tiny_lake import TinyLake

FIRST, END = date(2025, 5, 1), date(2025, 7, 1)
ENDS = ("LogModelResult", "LogTestResult")
SECRET = "not-to-be-told"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with dbt's parsed project."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def lake(folder: Path) -> Lake:
    """A lake in it, with raw tables that have no row."""
    settings = load_settings(data_dir=folder)
    fill_data_folder(settings)
    portfolio = load_recipe("telecomit")
    TinyLake(Lake.of(settings), portfolio, parsed_project(portfolio)).add({})
    return Lake.of(settings)


@pytest.fixture
def build(lake, folder, monkeypatch) -> list[str]:
    """dbt's arguments to build models of two months."""
    for name, value in dbt_environment(lake).items():
        monkeypatch.setenv(name, value)
    target = folder / "dbt_target" / "telecomit"
    return [
        *("build", "--exclude-resource-type", "unit_test"),
        *("--event-time-start", str(FIRST), "--event-time-end", str(END)),
        *folder_options(target, target),
    ]


def open_files(lake_file: Path) -> list[str]:
    """Of this process, those of the lake."""
    opened = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
    return [path for path in opened if path.startswith(str(lake_file))]


def test_each_node_is_told_and_has_its_result(build, capsys):
    """As events while dbt works, and at the end as dbt's run_results.json has them. Nothing is
    printed: a command that only opens the graph has nothing to say of dbt.
    """
    with DbtInvocation([*build, "--select", "+customer_months"]) as dbt:
        events = list(dbt.events())

    assert dbt.outcome.succeeded
    results = {result["unique_id"]: result["status"] for result in dbt.outcome.results}
    assert results["model.churn_platform.customer_months"] == "success"
    ended = [event for event in events if event["info"]["name"] in ENDS]
    assert {event["data"]["node_info"]["unique_id"] for event in ended} == set(results)
    assert capsys.readouterr().out == ""


def test_what_failed_says_why(build):
    """And there is no error of dbt: it did its work."""
    with DbtInvocation([*build, "--select", "int_usage_30d"]) as dbt:
        list(dbt.events())

    assert not dbt.outcome.succeeded
    assert dbt.outcome.error is None
    messages = [each["message"] for each in dbt.outcome.results if each["status"] == "error"]
    assert any("stg_cdr" in message for message in messages)


def test_an_error_of_dbt_itself_is_the_outcome(capsys):
    """A project that is not there, say; outside a run nothing is printed."""
    with DbtInvocation(["build", "--project-dir", "nowhere"]) as dbt:
        list(dbt.events())
    assert capsys.readouterr().out == ""
    assert not dbt.outcome.succeeded
    assert "nowhere" in str(dbt.outcome.error)


def test_dbt_has_ended_where_the_block_fails(build, lake):
    """The writer lock is released after it; and no connection is left, which would keep the
    catalog.
    """
    dbt = DbtInvocation([*build, "--select", "+customer_months"])
    with pytest.raises(KeyError), dbt:
        next(dbt.events())
        raise KeyError("of the caller")

    assert not dbt._thread.is_alive()
    assert open_files(Path(lake.catalog.removeprefix("sqlite:"))) == []


def test_no_secret_is_told(monkeypatch):
    """As in dbt's own log: it hides the values of variables of this name."""
    monkeypatch.setenv("DBT_ENV_SECRET_OF_A_TEST", SECRET)
    event = _scrubbed(msg_from_base_event(Note(msg=f"key {SECRET}")))
    assert event["info"]["msg"] == "key *****"
