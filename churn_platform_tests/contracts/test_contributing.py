"""CONTRIBUTING's table of places is right: each file is there, and each name it says is in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE = TEXT.split("## Where do I ...?")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| (.+\?) \| \[([^\]]+)\]\(([^)]+)\) \| (.+) \|$", TABLE, re.MULTILINE)


def test_the_table_is_long_enough_to_help():
    """A newcomer's usual questions are there."""
    assert len(ROWS) >= 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_leads_to_what_it_says(row: tuple[str, str, str, str]):
    """The file exists, and holds the first name that the row says to look for."""
    _, shown, link, what = row
    assert shown == link
    place = ROOT / link
    assert place.exists()
    named = re.match(r"`(\w+)`", what)
    if named:
        assert re.search(rf"\b{named[1]}\b", place.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", re.findall(r"`([a-z_]+/[\w/]+\.(?:py|md))`", TABLE))
def test_a_file_named_beside_is_there(path: str):
    """Also the places that a row mentions in passing."""
    assert (ROOT / path).exists() or (ROOT / "churn_platform" / path).exists()
