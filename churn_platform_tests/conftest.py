"""Prepares a run of the tests; what tests share is in `fixtures.py`."""

import pytest

from churn_platform_tests.support.shared import open_shared_folder


def pytest_configure(config: pytest.Config) -> None:
    """Load the fixtures where tests run: their imports cost seconds, and the process that only
    starts the workers needs none of them.
    """
    open_shared_folder(config)
    starts_workers = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if not starts_workers:
        config.pluginmanager.import_plugin("churn_platform_tests.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pipelines first: they take longest, and the cores should end together."""
    items.sort(key=lambda item: "pipeline" not in item.path.parts)
