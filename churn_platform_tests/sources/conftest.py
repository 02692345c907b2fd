"""A small operator with tables of its own."""

from pathlib import Path

import pytest

from churn_platform_tests.support.own_operator import OwnOperator, own_operator


@pytest.fixture
def own(tmp_path: Path, extensions: Path) -> OwnOperator:
    """The operator, for a test to change."""
    return own_operator(tmp_path, extensions)
