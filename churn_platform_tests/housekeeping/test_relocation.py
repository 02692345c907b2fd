"""Addresses of MLflow's files follow their data folder."""

import pytest
from sqlalchemy import create_engine, text

from churn_platform.errors import RelocationError
from churn_platform.housekeeping.relocation import (
    AddressColumn,
    as_text,
    find_moves,
    move,
    origins,
    require_files,
)

HERE = "/new/mlflow_artifacts"
VERSIONS = AddressColumn("model_versions", "source", is_kept=True)


@pytest.fixture
def connection():
    """A database of three versions: one of the old folder, one in place, one in a bucket."""
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        opened.execute(text("create table model_versions (source varchar)"))
        for source in (
            "/old/mlflow_artifacts/1/model",
            f"{HERE}/2/model",
            "s3://bucket/mlflow_artifacts/3",
            None,
        ):
            opened.execute(text("insert into model_versions values (:source)"), {"source": source})
        yield opened
    engine.dispose()


def test_only_addresses_of_another_folder_move(connection):
    """What is in place or in a bucket stays where it is."""
    (found,) = find_moves(connection, HERE, [VERSIONS])
    assert (found.old, found.new) == ("/old/mlflow_artifacts/1/model", f"{HERE}/1/model")
    assert origins([found], HERE) == ["/old/mlflow_artifacts"]
    assert as_text([found]) == "        1 addresses  model_versions.source"


def test_moved_addresses_need_no_other_move(connection):
    """The second time there is nothing to do."""
    move(connection, find_moves(connection, HERE, [VERSIONS]))
    assert find_moves(connection, HERE, [VERSIONS]) == []


def test_an_address_is_not_moved_to_where_nothing_is(connection, tmp_path):
    """The error says which folder to copy first; once it is there, all is well."""
    here = f"{tmp_path}/mlflow_artifacts"
    moves = [one for one in find_moves(connection, here, [VERSIONS]) if one.old.startswith("/old")]
    with pytest.raises(RelocationError, match="copy /old/mlflow_artifacts/1/model"):
        require_files(moves)
    (tmp_path / "mlflow_artifacts" / "1" / "model").mkdir(parents=True)
    require_files(moves)
