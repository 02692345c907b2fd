"""A file appears under its name only when it is complete."""

import importlib

import pytest

simulate_module = importlib.import_module("churn_platform.simulator.simulate")


def test_interrupted_month_leaves_no_file(tmp_path, monkeypatch):
    """A month that fails half-way leaves neither a file of that name nor a remnant."""

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(simulate_module, "append_numbered", fail)
    config = simulate_module.SimulationConfig(customers=50, months=1, seed=1)
    with pytest.raises(OSError, match="disk full"):
        simulate_module.simulate(config, tmp_path / "landing", tmp_path / "truth")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
