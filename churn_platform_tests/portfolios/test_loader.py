"""Specs are found, and one that cannot be read is named."""

import pytest
import yaml

from churn_platform.errors import SpecError
from churn_platform.portfolios.loader import load_portfolios, read_portfolio
from churn_platform_tests.portfolios.conftest import changed
from churn_platform_tests.support.tiny import SPEC


def test_an_unreadable_spec_names_file_and_key(tmp_path):
    """The message leads to the file and the place in it."""
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(changed("gates", "min_auc", value=2)))
    with pytest.raises(SpecError, match=r"own\.yaml: gates\.min_auc: "):
        read_portfolio(path)
    path.write_text("name: [")
    with pytest.raises(SpecError, match=r"own\.yaml: not readable as YAML"):
        read_portfolio(path)


def test_no_portfolio_is_called_as_a_schema_of_another(tmp_path):
    """Tables of `tiny_raw` are the raw tables of `tiny`."""
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(SPEC))
    (tmp_path / "z.yaml").write_text(yaml.safe_dump(SPEC | {"name": "tiny_raw"}))
    with pytest.raises(SpecError, match="a portfolio tiny_raw cannot be beside tiny"):
        load_portfolios(tmp_path)


def test_own_specs_stand_beside_those_that_ship(tmp_path):
    """A spec of one's own is found; one that takes a name twice is refused."""
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(SPEC))
    assert list(load_portfolios(tmp_path)) == ["telecomit", "ibm_telco", "tiny"]
    (tmp_path / "z.yaml").write_text(yaml.safe_dump(SPEC))
    with pytest.raises(SpecError, match=r"z\.yaml: portfolio 'tiny' exists already"):
        load_portfolios(tmp_path)
