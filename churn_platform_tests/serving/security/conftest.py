"""Fixtures that tests of this folder share."""

from pathlib import Path

import pytest

from serving.security.api_keys import add_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a state folder with one key, `crm`."""
    add_key(tmp_path / "keys.json", name="crm", scopes=["score"], created_at="2026-01-01")
    return tmp_path / "keys.json"
