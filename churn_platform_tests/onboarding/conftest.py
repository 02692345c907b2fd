"""A folder to onboard files in."""

from pathlib import Path

import pytest

from churn_platform_tests.support.onboarding_files import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder to onboard files in."""
    return Desk(tmp_path)
