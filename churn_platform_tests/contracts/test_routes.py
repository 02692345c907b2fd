"""A portfolio's name is no path of the service."""

import pytest

from churn_platform.errors import SpecError
from churn_platform.onboarding import onboard
from churn_platform.published.format import ROUTES, ROUTES_TO_COME
from churn_platform_tests.serving.conftest import settings_in
from serving.app import create_litestar


def test_the_reserved_names_are_what_paths_begin_with(tmp_path):
    """Each first part of a route that is no parameter is reserved, and nothing else but versions to
    come.
    """
    paths = {route.path.split("/")[1] for route in create_litestar(settings_in(tmp_path)).routes}
    fixed = {part for part in paths if part and not part.startswith("{")}
    assert fixed == ROUTES - ROUTES_TO_COME


@pytest.mark.parametrize("name", sorted(ROUTES - {"ab-test"}))
def test_no_portfolio_is_onboarded_under_the_name_of_a_route(tmp_path, name):
    """It is refused before the file is looked at, and nothing is written."""
    with pytest.raises(SpecError, match="is a path of the service"):
        onboard(
            tmp_path / "none.csv",
            name=name,
            id_column="id",
            label_column="label",
            portfolios_dir=tmp_path,
        )
    assert not list(tmp_path.iterdir())
