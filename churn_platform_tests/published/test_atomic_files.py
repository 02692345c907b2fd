"""Neither a reader nor a crash ever sees half of a publication."""

import pytest

from churn_platform.published.atomic_files import new_folder
from churn_platform_tests.published.conftest import names, write


def test_a_folder_appears_when_it_is_whole(tmp_path):
    """While it is written nothing is to be seen under its name."""
    with new_folder(tmp_path / "1") as draft:
        (draft / "file").write_text("new")
        assert names(tmp_path) == []
    assert (tmp_path / "1" / "file").read_text() == "new"


def test_an_error_leaves_the_old_folder(tmp_path):
    """What was there stays, and nothing is left of the draft."""
    write(tmp_path / "1", "old")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "1") as draft:
        (draft / "file").write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "1" / "file").read_text() == "old"
    assert sorted(tmp_path.iterdir()) == before


def test_a_new_folder_replaces_the_old_one(tmp_path):
    """After a second publication the new files stand there, the old ones are
    gone, neighbours stay.
    """
    write(tmp_path / "1", "old")
    write(tmp_path / "12", "neighbour")
    write(tmp_path / "1", "new")
    assert [(tmp_path / name / "file").read_text() for name in ("1", "12")] == ["new", "neighbour"]
    assert len(list(tmp_path.iterdir())) == 4


def test_what_a_crash_left_is_swept_up(tmp_path):
    """Drafts of a process that was killed go with the next publication of the same folder."""
    write(tmp_path / "1", "old")
    (tmp_path / ".1.crashed").mkdir()
    (tmp_path / ".1.crashed.link").symlink_to(".1.crashed")
    write(tmp_path / "1", "new")
    assert [path.name for path in tmp_path.iterdir() if "crashed" in path.name] == []


def test_an_open_file_survives_its_replacement(tmp_path):
    """Whoever reads the old file reads it to the end."""
    write(tmp_path / "1", "old")
    with (tmp_path / "1" / "file").open() as reader:
        write(tmp_path / "1", "new")
        assert reader.read() == "old"
