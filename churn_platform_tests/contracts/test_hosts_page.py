"""The table of states in docs/hosts.md says what the settings say."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from pydantic import SecretStr

from churn_platform.settings import PREFIX, Settings, load_settings
from serving.page.settings import PREFIX as PAGE_PREFIX
from serving.page.settings import PageSettings
from serving.settings import PREFIX as SERVICE_PREFIX
from serving.settings import ServiceSettings

PAGE = Path(__file__).parents[2] / "docs" / "hosts.md"
COLUMNS = 8
PLACES = ("_dir", "_path", "_folder", "_uri", "_endpoint")
BESIDE = {SERVICE_PREFIX: ServiceSettings, PAGE_PREFIX: PageSettings}
HIDDEN = ("_secret_key", "_session_token", "_client_secret", "_secret_file", "service_key")
FOLDERS = (
    "landing_dir",
    "published_dir",
    "serving_log_dir",
    "exports_dir",
    "audit_path",
    "costs_path",
    "lake_files",
)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """The cells of each row, by the first."""
    lines = PAGE.read_text().split("## What is where")[1].split("\n## ")[0].splitlines()
    table = [line.strip("|").split("|") for line in lines if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in table[2:]]
    return {row[0]: row for row in cells}


def test_every_row_says_all_of_a_state(rows):
    """Where it is, who writes and reads it, what happens without it, and how it is backed up."""
    assert len(rows) > 12
    assert {name for name, row in rows.items() if len(row) != COLUMNS or not all(row)} == set()


def test_every_setting_of_a_place_or_a_secret_is_in_the_table(rows):
    """A new one needs a row, or a place in one."""
    named = {
        name
        for name, field in Settings.model_fields.items()
        if name.endswith(PLACES) or field.annotation in (Path, SecretStr)
    }
    assert len(named) > 8
    told = {name for row in rows.values() for name in re.findall(r"`(\w+)`", row[1])}
    assert {f"{PREFIX}{name.upper()}" for name in named} - told == set()


def test_every_place_and_secret_of_service_and_page_is_in_the_table(rows):
    """Their folders, and what they must not show."""
    told = {name for row in rows.values() for name in re.findall(r"`(\w+)`", row[1])}
    named = set()
    for prefix, settings in BESIDE.items():
        for field in msgspec.structs.fields(settings):
            is_place = get_args(field.type)[0] is Path
            if is_place or field.name.endswith(HIDDEN):
                named.add(f"{prefix}{field.name.upper()}")
    assert len(named) > 8
    assert named - told == set()


def test_every_setting_in_the_table_exists(rows):
    """Of the platform, the service and the page; Dagster's own has another name."""
    told = {name for row in rows.values() for name in re.findall(r"`(\w+)`", row[1])}
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {"DAGSTER_HOME"}
    for prefix, settings in BESIDE.items():
        known |= {f"{prefix}{name.upper()}" for name in settings.__struct_fields__}
    assert told <= known


def test_every_folder_of_the_data_folder_is_in_the_table(rows, tmp_path):
    """As it is called there."""
    settings = load_settings(data_dir=tmp_path)
    embedded = " ".join(row[2] for row in rows.values())
    for name in FOLDERS:
        place = Path(getattr(settings, name)).relative_to(tmp_path)
        folder = place.parent if place.suffix else place
        assert f"`{folder}/`" in embedded, name
