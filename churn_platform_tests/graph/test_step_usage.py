"""Every step notes what it used, in whichever process it runs and whatever becomes of it."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from dagster import (
    AssetSelection,
    DagsterInstance,
    Definitions,
    asset,
    define_asset_job,
    execute_job,
    materialize,
    multiprocess_executor,
    reconstructable,
)

from churn_platform.costs.usage import read_usage
from churn_platform.graph.partitions import monthly
from churn_platform.graph.step_usage import metered, months_worked_on
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY, MARCH

NOW = datetime(2025, 4, 2, 3, tzinfo=UTC)
MONTHLY = monthly(JANUARY)
RANGE = {
    "dagster/asset_partition_range_start": "2025-01-01",
    "dagster/asset_partition_range_end": "2025-02-01",
}


@pytest.mark.parametrize(
    ("tags", "months"),
    [
        (RANGE, (JANUARY, FEBRUARY)),
        ({"dagster/partition": "2025-02-01"}, (FEBRUARY, FEBRUARY)),
        ({}, (MARCH, MARCH)),
        ({"dagster/partition": "north"}, (MARCH, MARCH)),
    ],
)
def test_the_months_of_a_run_stand_in_its_tags(tags: dict[str, str], months: tuple[date, date]):
    """Housekeeping by hand has none: it counts for the month that has ended."""
    assert months_worked_on(tags, NOW) == months


@invariant("Care", "Failed and repeated steps are recorded.")
def test_steps_of_one_process_are_told_apart(tmp_path: Path):
    """Each with its own seconds, those that failed and those that were repeated as well."""
    path = tmp_path / "steps.jsonl"

    @asset(partitions_def=MONTHLY)
    def busy() -> None:
        sum(range(20_000_000))

    @asset(deps=[busy], partitions_def=MONTHLY)
    def broken() -> None:
        raise ValueError("broken")

    assets = metered([busy, broken], "tiny", path)
    with DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            done = materialize(
                assets, partition_key="2025-01-01", instance=instance, raise_on_error=False
            )
            assert not done.success
    noted = list(read_usage(path))
    assert [(each.step, each.succeeded) for each in noted] == [
        ("busy", True),
        ("broken", False),
    ] * 2
    assert {(each.portfolio, each.first_month, each.last_month) for each in noted} == {
        ("tiny", JANUARY, JANUARY)
    }
    # The quicker of two: Python's collector may fall into one of them.
    broken_seconds = min(noted[1].cpu_seconds, noted[3].cpu_seconds)
    assert noted[2].cpu_seconds > 0.1 > broken_seconds >= 0
    assert len({each.run_id for each in noted}) == 2


def job_of_processes():
    """A job with a process for each of its two steps; the folder is told by a file that an instance
    knows.
    """
    path = Path(DagsterInstance.get().root_directory) / "steps.jsonl"

    @asset
    def left() -> None:
        sum(range(10_000_000))

    @asset
    def right() -> None:
        sum(range(10_000_000))

    job = define_asset_job("both", AssetSelection.all())
    definitions = Definitions(
        assets=metered([left, right], "tiny", path),
        jobs=[job],
        executor=multiprocess_executor.configured({"max_concurrent": 2}),
    )
    return definitions.resolve_job_def("both")


@invariant("Care", "Steps in processes of their own are recorded too.")
def test_steps_in_processes_of_their_own_note_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each process counts from its beginning, what it imports included."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with (
        DagsterInstance.get() as instance,
        execute_job(reconstructable(job_of_processes), instance=instance) as done,
    ):
        assert done.success
    noted = list(read_usage(tmp_path / "steps.jsonl"))
    assert {each.step for each in noted} == {"left", "right"}
    assert all(each.cpu_seconds > 0.3 and each.succeeded for each in noted)
