"""An address of a SQLite file leads to that file, whatever signs its path has."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from churn_platform.sqlite_uri import is_plain, sqlite_file, sqlite_uri

FOLDERS = ["plain", "Kunde's v[2] a b", "50%", "50%41", "w?", "x#y", "a?b=c&d", "ü"]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_file_is_made_where_the_path_says(tmp_path: Path, name: str):
    """Nothing is made beside it: SQLAlchemy takes `?` for the end of a path, and %41 for A."""
    path = tmp_path / name / "store.db"
    path.parent.mkdir()
    engine = create_engine(sqlite_uri(path))
    with engine.begin() as connection:
        connection.execute(text("create table t (i int)"))
    engine.dispose()
    assert path.stat().st_size > 0
    assert [made.name for made in tmp_path.iterdir()] == [name]
    assert sqlite_file(sqlite_uri(path)) == path


@pytest.mark.parametrize("name", FOLDERS)
def test_mlflow_makes_no_folder_of_another_name(tmp_path: Path, name: str):
    """It makes the folder of an address that begins with `sqlite:///`, without undoing quotes."""
    from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

    path = tmp_path / name / "store.db"
    path.parent.mkdir()
    create_sqlalchemy_engine_with_retry(sqlite_uri(path)).dispose()
    assert [made.name for made in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "plain"), [("Kunde's v[2]", True), ("50%", True), ("w?", False), ("50%41", False)]
)
def test_which_paths_need_quoting(name: str, plain: bool):
    """Dagster quotes none, so it cannot keep its history where one is needed."""
    assert is_plain(Path("/srv") / name / "store.db") is plain


@pytest.mark.parametrize("uri", ["postgresql://u:p@h/db", "http://localhost:5000", "sqlite://"])
def test_other_stores_have_no_file(uri: str):
    """Neither has one that lives in memory."""
    assert sqlite_file(uri) is None
