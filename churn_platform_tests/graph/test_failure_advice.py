"""A failed step says in its run's log what a person can do, also in a run by the daemon."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance, asset, materialize

from churn_platform.errors import ChurnError, DataError
from churn_platform.graph.failure_advice import advice, advised
from churn_platform.graph.outages import OUTAGE_TAG
from churn_platform.settings import Settings, load_settings

FULL_DEVICE = Path("/dev/full")  # the system's own: every write to it finds no space
LOST = 'IO Error: Cannot open file "/data/lake/s/t/month=2025-01-01/ducklake-01a2-7b.parquet": gone'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty data folder."""
    return load_settings(data_dir=tmp_path / "data")


def write_to_a_full_disk() -> None:
    """As any library does."""
    FULL_DEVICE.write_text("rows")


def read_a_lost_file() -> None:
    """As DuckDB tells it."""
    raise duckdb.IOException(LOST)


def be_wrong() -> None:
    """An error that says all by itself."""
    raise DataError("there are no rows")


def logged(settings: Settings, work: Callable[[], None]) -> str:
    """What the log of a run says whose one step does this work."""

    @asset
    def step() -> None:
        work()

    with DagsterInstance.ephemeral() as instance:
        done = materialize(advised([step], settings), instance=instance, raise_on_error=False)
        assert not done.success
        return "\n".join(entry.user_message for entry in instance.all_logs(done.run_id))


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="a device of Linux")
def test_a_step_on_a_full_disk_names_it(settings: Settings):
    """Its mount, a folder on it and the space, beside an error that only says that one is full."""
    log = logged(settings, write_to_a_full_disk)
    assert "the disk mounted at /" in log
    assert "is full" in log
    assert "free space there" in log


def test_a_step_that_misses_a_file_of_the_lake_names_the_cure(settings: Settings):
    """Which command tells what to make again."""
    assert "`churn check-lake` names damaged files" in logged(settings, read_a_lost_file)


def test_other_errors_get_no_advice(settings: Settings):
    """A landed Parquet file is the operator's, not the lake's."""
    log = logged(settings, be_wrong)
    assert "check-lake" not in log
    assert "is full" not in log
    landed = ChurnError('IO Error: Cannot open file "/data/landing/mine/customers/2025-01.parquet"')
    assert advice(landed, settings) is None


def test_a_run_is_advised_on_by_its_cause_alone(settings: Settings):
    """Of a run that is over Dagster keeps the text; messages and commands are made from it."""
    cause = ChurnError(f"mine_scores failed in mine__monthly_scores: {LOST}")
    assert "check-lake" in str(advice(cause, settings))


@pytest.mark.skipif(not FULL_DEVICE.exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("work", "outage"), [(write_to_a_full_disk, "disk"), (be_wrong, None), (read_a_lost_file, None)]
)
def test_a_run_says_if_an_outage_ended_it(settings: Settings, work, outage):
    """Automation asks for it again by that."""

    @asset
    def step() -> None:
        work()

    with DagsterInstance.ephemeral() as instance:
        done = materialize(advised([step], settings), instance=instance, raise_on_error=False)
        run = instance.get_run_by_id(done.run_id)
    assert run is not None
    assert run.tags.get(OUTAGE_TAG) == outage
