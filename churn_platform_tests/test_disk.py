"""A full disk is told as such, with the disk that is full, whichever library noticed."""

import errno
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
import sqlalchemy.exc

from churn_platform.cli import main
from churn_platform.disk import full_disk
from churn_platform.errors import ChurnError
from churn_platform.graph import failure_advice
from churn_platform.settings import load_settings

FULL = sqlite3.OperationalError("database or disk is full")
IN_DAGSTER = sqlalchemy.exc.OperationalError("insert into runs values (?)", {}, FULL)
IN_DUCKDB = duckdb.IOException(
    'IO Error: Could not write file "x.parquet": No space left on device'
)
IN_A_RUN = ChurnError(
    "mine_training failed in mine__xgboost: (sqlite3.OperationalError) database or disk is full"
)


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """MLflow's folder with space left, and Dagster's on another disk without any."""
    folders = [tmp_path / "mlflow", tmp_path / "dagster"]
    for folder in folders:
        folder.mkdir()

    def usage(path: Path) -> SimpleNamespace:
        free = 1_500_000 if path.name == "dagster" else 90_000_000
        return SimpleNamespace(total=100_000_000, free=free)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return folders


@pytest.mark.parametrize(
    "error", [FULL, IN_DAGSTER, IN_DUCKDB, IN_A_RUN, OSError(errno.EDQUOT, "quota")]
)
def test_the_disk_without_space_is_named(stores: list[Path], error: Exception) -> None:
    """The store with space left is not blamed, whatever the library that raised."""
    told = full_disk(error, lambda: stores)
    assert told is not None
    assert f"is full: 1.5 of 100.0 MB are free for {stores[1]}; free space there" in told
    assert told.startswith("the disk mounted at /")


def test_a_file_that_the_error_names_decides(stores: list[Path]) -> None:
    """The folder of the file that could not be written is told, though another
    disk has less space.
    """
    error = OSError(errno.ENOSPC, "No space left on device", str(stores[0] / "new" / "x.csv"))
    assert f"90.0 of 100.0 MB are free for {stores[0]};" in str(full_disk(error, lambda: stores))


def test_a_copy_is_told_by_the_disk_that_it_goes_to(stores: list[Path]) -> None:
    """The file that was read is on a disk with space."""
    source, target = (str(folder / "x.parquet") for folder in stores)
    error = OSError(errno.ENOSPC, "No space left on device", source, None, target)
    assert f"1.5 of 100.0 MB are free for {stores[1]};" in str(full_disk(error, lambda: []))


def test_an_error_of_many_causes_needs_a_disk_without_space(
    stores: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite says so where its log cannot grow, and where a disk is broken."""
    error = duckdb.Error('Failed to execute query "PRAGMA journal_mode=WAL": disk I/O error')
    assert full_disk(error, lambda: stores) is None
    usage = SimpleNamespace(total=100_000_000, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert "is full: 0.0 of 100.0 MB are free" in str(full_disk(error, lambda: stores))


def test_the_cause_of_an_error_counts(stores: list[Path]) -> None:
    """An error of ours that wraps a full disk is one of a full disk."""
    try:
        raise ChurnError("MLflow does not answer") from IN_DAGSTER
    except ChurnError as error:
        assert str(stores[1]) in str(full_disk(error, lambda: stores))


def test_other_errors_are_not_about_the_disk() -> None:
    """No folder is even looked for."""

    def unasked() -> Iterable[Path]:
        raise AssertionError

    assert full_disk(OSError(errno.EACCES, "Permission denied", "/x"), unasked) is None
    assert full_disk(KeyError("x"), unasked) is None


def test_a_command_names_the_full_disk(
    stores: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dagster's full store is not told as a wrong MLflow setting."""

    def fail() -> None:
        raise IN_DAGSTER

    monkeypatch.setattr(failure_advice, "written_folders", lambda settings: stores)
    with pytest.raises(SystemExit):
        main(fail)
    told = capsys.readouterr().err
    assert f"free for {stores[1]}" in told
    assert "CHURN_MLFLOW_TRACKING_URI" not in told


def test_the_stores_of_a_command_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Dagster's own store is among the folders that may be full."""
    (tmp_path / "dagster.yaml").write_text(
        "local_artifact_storage:\n  module: dagster._core.storage.root\n  class: "
        "LocalArtifactStorage\n"
        f"  config:\n    base_dir: {tmp_path / 'history'}\n"
    )
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("CHURN_DATA_DIR", str(tmp_path / "data"))
    folders = failure_advice.written_folders(load_settings())
    assert {tmp_path / "history", tmp_path / "data", tmp_path / "data" / "lake"} <= set(folders)
