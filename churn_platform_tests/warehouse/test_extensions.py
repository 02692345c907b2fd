"""Extensions come from their wheels, once."""

from pathlib import Path

import duckdb
import pytest

from churn_platform.errors import WarehouseError
from churn_platform.warehouse import extensions as module
from churn_platform.warehouse.extensions import install_extensions


def installed(folder: Path) -> dict[str, int]:
    """When each extension in the folder was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.duckdb_extension")}


def test_a_second_install_touches_nothing(extensions):
    """Installing again leaves every file as it is."""
    before = installed(extensions)
    assert set(before) >= {f"{name}.duckdb_extension" for name in module.EXTENSIONS}
    install_extensions(extensions)
    assert installed(extensions) == before


def test_a_missing_wheel_is_named(tmp_path, monkeypatch):
    """An extension without its wheel says what to install."""
    monkeypatch.setattr(module, "EXTENSIONS", ("no_such",))
    with pytest.raises(
        WarehouseError, match=f"pip install duckdb-extension-no-such=={duckdb.__version__}"
    ):
        install_extensions(tmp_path)


def test_a_changed_extension_is_not_installed(tmp_path, monkeypatch):
    """Its signature is checked here, and here only."""
    changed = tmp_path / "ducklake.duckdb_extension"
    content = bytearray(module._file_in_wheel("ducklake").read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    monkeypatch.setattr(module, "_file_in_wheel", lambda name: changed)
    with pytest.raises(duckdb.IOException, match="signature"):
        install_extensions(tmp_path / "extensions")
    assert installed(tmp_path / "extensions") == {}
