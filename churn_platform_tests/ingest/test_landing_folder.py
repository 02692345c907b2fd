"""A file is put where the graph looks, and what is not read is said."""

import os
from datetime import date
from pathlib import Path

import pytest

from churn_platform.errors import LandingError
from churn_platform.ingest.landing_folder import begun_months, land_file, mark_delivered, misnamed
from churn_platform_tests.support.tiny import TINY

TABLE = TINY.landed_tables[0].name
MONTH = date(2025, 1, 1)


def delivered(folder: Path, name: str, text: str = "id\n1\n") -> Path:
    """A file that somebody brings."""
    path = folder / name
    path.write_text(text)
    return path


def test_a_month_has_one_file(tmp_path: Path):
    """A later delivery of another kind takes the place of the one before, and no draft is left."""
    landing = tmp_path / "landing"
    land_file(delivered(tmp_path, "first.csv"), landing, "tiny", TABLE, MONTH)
    landed = land_file(delivered(tmp_path, "second.tsv"), landing, "tiny", TABLE, MONTH)
    assert [path.name for path in landed.parent.iterdir()] == ["2025-01.tsv"]
    assert begun_months(landing, TINY) == [MONTH]


def test_a_file_of_an_unknown_kind_does_not_land(tmp_path: Path):
    """Nothing is copied."""
    with pytest.raises(LandingError):
        land_file(delivered(tmp_path, "list.pdf"), tmp_path / "landing", "tiny", TABLE, MONTH)
    assert not (tmp_path / "landing").exists()


def test_nothing_landed_says_where_to_put_a_file(tmp_path: Path):
    """With an example of a name."""
    with pytest.raises(LandingError, match=r"land a file, for example .*2025-01\.csv"):
        begun_months(tmp_path, TINY)


def test_what_is_not_read_is_named(tmp_path: Path):
    """By table and name; nothing is said where every name is a month."""
    landed = land_file(delivered(tmp_path, "a.csv"), tmp_path, "tiny", TABLE, MONTH)
    assert misnamed(tmp_path, TINY) == ""
    delivered(landed.parent, "january.csv")
    assert f"{TABLE}/january.csv" in misnamed(tmp_path, TINY)


def test_a_month_can_be_pointed_out_again(tmp_path: Path):
    """Its files are dated again, by which the landing sensor sees them as new."""
    landed = land_file(delivered(tmp_path, "a.csv"), tmp_path, "tiny", TABLE, MONTH)
    os.utime(landed, (1, 1))
    mark_delivered(tmp_path, TINY, MONTH)
    assert landed.stat().st_mtime > 1
