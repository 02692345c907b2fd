"""Features that an operator has put beside the spec."""

from pathlib import Path

import pytest

from churn_platform.errors import SpecError
from churn_platform.portfolios.loader import load_portfolios

ENTRY = "{type: integer, description: Days abroad., reason: '{value:count day} abroad'}"
SQL = "select customer_id, 1 as days_abroad from {{ ref('customer_months') }}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of telecomit's own features, with one."""
    made = tmp_path / "telecomit" / "features"
    made.mkdir(parents=True)
    (made / "days_abroad.yaml").write_text(ENTRY)
    (made / "days_abroad.sql").write_text(SQL)
    return made


def test_a_feature_beside_the_spec_joins_the_catalogue(folder: Path):
    """Also of a portfolio that ships; its SQL comes along."""
    portfolio = load_portfolios(folder.parents[1])["telecomit"]
    feature = portfolio.features[-1]
    assert (feature.name, feature.group, feature.own) == ("days_abroad", "own", True)
    assert portfolio.own_sql == {"days_abroad": SQL}


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("alone.sql", SQL, "alone.sql needs alone.yaml beside it"),
        ("alone.yaml", ENTRY, "alone.yaml needs alone.sql beside it"),
        ("days_abroad.yaml", "[1, 2]", "one entry of the catalogue is wanted"),
        ("days_abroad.yaml", "{name: other}", "name is 'other'"),
        ("days_abroad.yaml", "{type: number", "not readable as YAML"),
        ("days_abroad.yaml", "{type: integer, description: x, reason: y, default: no}", "default"),
    ],
)
def test_what_is_no_feature_is_refused(folder: Path, file: str, text: str, complaint: str):
    """With the file's name."""
    (folder / file).write_text(text)
    with pytest.raises(SpecError, match=complaint):
        load_portfolios(folder.parents[1])


def test_the_name_of_a_feature_that_ships_is_taken(folder: Path):
    """Two features of a name would be one column."""
    for ending, text in ((".yaml", ENTRY), (".sql", SQL)):
        (folder / f"frequency{ending}").write_text(text)
    with pytest.raises(SpecError, match="a feature is listed twice"):
        load_portfolios(folder.parents[1])


def test_a_retired_feature_is_built_and_not_trained_on(folder: Path):
    """A champion that has it goes on; a new model is fitted without it."""
    (folder / "days_abroad.yaml").write_text(f"{ENTRY.removesuffix('}')}, retired: true}}")
    portfolio = load_portfolios(folder.parents[1])["telecomit"]
    assert "days_abroad" in portfolio.feature_names
    assert "days_abroad" not in portfolio.to_train.feature_names
