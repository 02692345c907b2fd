"""Neither a reader nor a crash sees half of a file."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn_platform.storage.atomic_file import is_draft, new_file


def test_what_fails_leaves_the_file_as_it_was(tmp_path: Path):
    """And no draft."""
    target = tmp_path / "live.json"
    target.write_text("before")
    with pytest.raises(RuntimeError), new_file(target) as draft:
        draft.write_text("half")
        raise RuntimeError("killed")
    assert target.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["live.json"]


def test_threads_that_write_one_file_have_a_draft_each(tmp_path: Path):
    """The file is that of one of them, whole."""
    target = tmp_path / "deep" / "live.json"

    def write(number: int) -> None:
        with new_file(target) as draft:
            assert is_draft(draft.name)
            draft.write_text(str(number) * 1_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert len(set(target.read_text())) == 1
    assert not is_draft(target.name)
