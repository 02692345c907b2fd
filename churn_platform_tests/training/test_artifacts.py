"""Files on a version's run: put there together, read back, and absent where there are none."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from churn_platform.training.artifacts import (
    PICTURES_FOLDER,
    card_file,
    log_files,
    read_file,
    read_json,
    read_pictures,
)


class Store:
    """A client of one run, whose files are in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.calls = 0

    def log_artifacts(self, run_id: str, folder: str) -> None:
        """Take over a folder."""
        self.calls += 1
        shutil.copytree(folder, self.folder / run_id, dirs_exist_ok=True)

    def list_artifacts(self, run_id: str, folder: str | None) -> list[SimpleNamespace]:
        """What a folder holds."""
        root = self.folder / run_id
        return [
            SimpleNamespace(path=str(path.relative_to(root)))
            for path in (root / (folder or "")).glob("*")
        ]

    def download_artifacts(self, run_id: str, name: str, target: str) -> str:
        """A copy of a file."""
        return str(shutil.copy(self.folder / run_id / name, target))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store without files."""
    return Store(tmp_path / "files")


def test_files_are_written_together_and_read_back(store):
    """In one call for all; text as UTF-8, and a later file takes the place of one before."""
    log_files(store, "r1", {"a/note.md": "für", "data.json": b'{"auc": 0.5}'})
    assert store.calls == 1
    log_files(store, "r1", {"data.json": b'{"auc": 0.75}'})
    assert read_file(store, "r1", "a/note.md") == "für".encode()
    assert read_json(store, "r1", "data.json") == {"auc": 0.75}


def test_a_file_that_is_not_there_is_none(store):
    """Not an error: an older version has fewer files."""
    log_files(store, "r1", {"a/note.md": "text"})
    assert read_file(store, "r1", "a/other.md") is None
    assert read_json(store, "r1", "data.json") is None


def test_the_summary_is_the_first_picture(store):
    """Then the others by name; what is no picture is left out."""
    names = ("dependence_a.png", "shap_summary.png", "dependence_b.png", "note.txt")
    log_files(store, "r1", {f"{PICTURES_FOLDER}/{name}": name for name in names})
    assert list(read_pictures(store, "r1")) == [
        *("shap_summary.png", "dependence_a.png", "dependence_b.png"),
    ]


def test_two_versions_of_a_run_have_cards_of_their_own():
    """A run that was registered twice would else overwrite its card."""
    assert card_file(3, "md") != card_file(4, "md")
    assert card_file(3, "md").endswith(".md")
