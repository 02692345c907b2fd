"""A data folder goes on at another place."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from churn_platform.errors import ChurnError, RelocationError
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.scoring.champion_model import load_champion
from churn_platform.scoring.score import score_month
from churn_platform.settings import Settings, load_settings
from churn_platform.training.model_registry import set_champion
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.cli.conftest import Churn
from churn_platform_tests.support.data_folders import empty_mlflow
from churn_platform_tests.support.tiny import MARCH
from churn_platform_tests.training.test_reproduce import HALVING, train


def scores(settings: Settings) -> pa.Table:
    """What the champion says of the customers of March."""
    champion = load_champion(Tracking.of(settings).client(), HALVING)
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        return score_month(
            connection, HALVING, lambda: champion, MARCH, batch_rows=1_000, threads=1
        )


@pytest.fixture
def moved(tmp_path: Path, extensions: Path, settings: Settings) -> pa.Table:
    """A data folder with a champion, made elsewhere and moved here; returns the scores that it gave
    there.
    """
    old = load_settings(data_dir=tmp_path / "old", phone_hash_key="0" * 32)
    shutil.copytree(extensions, old.extension_dir)
    # A new store takes seconds; that of the session may have this model's experiment already.
    shutil.copy(empty_mlflow() / "mlflow.db", old.root)
    with closing(connect(Lake.of(old))) as connection:
        trained = train(connection, Lake.of(old), Tracking.of(old), "xgboost")
    set_champion(trained.client, HALVING.name, trained.version, previous=None)
    before = scores(old)
    old.root.rename(settings.root)
    return before


def addresses(settings: Settings) -> str:
    """All that MLflow's store holds, as text."""
    with closing(sqlite3.connect(settings.root / "mlflow.db")) as store:
        return "\n".join(store.iterdump())


def test_a_moved_folder_is_noticed_and_goes_on_after_relocate(
    moved: pa.Table, settings: Settings, churn: Churn
):
    """Until then nothing is read from, or written to, the place that it came from; a second call
    changes nothing.
    """
    with pytest.raises(
        RelocationError,
        match=r"^MLflow looks for its files in .*old/mlflow_artifacts, .*; run `churn relocate`",
    ):
        Tracking.of(settings).answering_client()
    told = churn("relocate", "--yes").stdout
    assert f"{settings.root.parent}/old/mlflow_artifacts\n" in told
    assert "1 addresses  experiments.artifact_location" in told
    assert "1 addresses  model_versions.storage_location" in told
    assert scores(settings).equals(moved)
    assert f"{settings.root.parent}/old/" not in addresses(settings)
    assert "nothing to change" in churn("relocate", "--yes").stdout


def test_models_that_were_left_behind_are_named(moved: pa.Table, settings: Settings, churn: Churn):
    """An address that leads nowhere would be noticed by the next score alone; nothing changes."""
    artifacts = settings.root / "mlflow_artifacts"
    artifacts.rename(settings.root.parent / "forgotten")
    before = addresses(settings)
    with pytest.raises(
        RelocationError, match=r"1 models are not here, .*data/mlflow_artifacts/tiny/.*: copy"
    ):
        churn("relocate", "--yes")
    assert addresses(settings) == before


def test_an_answer_of_no_changes_nothing(moved: pa.Table, settings: Settings, churn: Churn):
    """Without --yes it asks, and the runner answers nothing."""
    before = addresses(settings)
    assert churn("relocate").exit_code == 1
    assert addresses(settings) == before


def test_without_a_store_there_is_nothing_to_relocate(churn: Churn):
    """A wrong folder gains nothing."""
    with pytest.raises(ChurnError, match=r"no MLflow store at .*set CHURN_DATA_DIR"):
        churn("relocate")


def history(folder: Path, *runs: str) -> None:
    """A history of Dagster's with these runs; the index is there from the first look on."""
    (folder / "history" / "runs").mkdir(parents=True)
    for name in ("index", *runs):
        (folder / "history" / "runs" / f"{name}.db").write_text(name)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder whose `dagster.yaml` keeps the history in its own `data/dagster`."""
    home = tmp_path / "project"
    home.mkdir()
    place = {"base_dir": str(home / "data" / "dagster")}
    storage = {"module": "dagster._core.storage.root", "class": "LocalArtifactStorage"}
    (home / "dagster.yaml").write_text(
        yaml.safe_dump({"local_artifact_storage": {**storage, "config": place}})
    )
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    return home / "data" / "dagster"


def test_the_history_of_runs_goes_where_dagster_looks(settings: Settings, churn: Churn, home: Path):
    """An empty one that Dagster has made there meanwhile gives way; MLflow's part comes after."""
    history(settings.root / "dagster", "one")
    history(home)
    with pytest.raises(ChurnError, match="no MLflow store"):
        churn("relocate", "--yes")
    assert (home / "history" / "runs" / "one.db").read_text() == "one"
    assert not (settings.root / "dagster").exists()


def test_two_histories_are_left_to_a_person(settings: Settings, churn: Churn, home: Path):
    """Nobody can say which one counts."""
    history(settings.root / "dagster", "one")
    history(home, "two")
    with pytest.raises(ChurnError, match="no MLflow store"):
        churn("relocate", "--yes")
    assert (settings.root / "dagster" / "history" / "runs" / "one.db").exists()
    assert (home / "history" / "runs" / "two.db").exists()
