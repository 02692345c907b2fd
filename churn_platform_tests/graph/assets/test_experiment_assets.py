"""A portfolio has the assets of experiments if it has an experiment."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from dagster import AssetKey

from churn_platform.errors import SpecError
from churn_platform.graph.assets.campaign_assets import campaign_assets
from churn_platform.graph.assets.experiment_assets import experiment_assets, is_newest
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import Settings, load_settings
from churn_platform_tests.experiments.conftest import spec_of

SCORES = AssetKey(["telecomit", "experiment_scores"])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder and an empty folder of experiments."""
    (tmp_path / "experiments").mkdir()
    return load_settings(data_dir=tmp_path / "data", experiments_dir=tmp_path / "experiments")


@pytest.fixture
def telecomit(tmp_path: Path) -> Portfolio:
    """An operator with contacts."""
    return load_portfolios(tmp_path)["telecomit"]


def write_spec(settings: Settings, **fields) -> None:
    """A spec of telecomit."""
    spec = spec_of(portfolio="telecomit", **fields)
    path = settings.experiments_dir / "boosting.yaml"
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")))


def names(settings: Settings, portfolio: Portfolio) -> list[str]:
    """The assets of its experiments."""
    return [asset.key.path[-1] for asset in experiment_assets(portfolio, settings)]


def test_without_a_spec_there_is_no_asset_and_no_dependency(settings, telecomit):
    """The graph of who asks nothing is as it was."""
    assert names(settings, telecomit) == []
    contact_list = campaign_assets(telecomit, settings)[0]
    assert SCORES not in contact_list.dependency_keys


def test_with_a_spec_scores_come_before_the_list(settings, telecomit):
    """Lists are compared where the spec draws them."""
    write_spec(settings)
    usual = ["experiment_scores", "experiment_outcome", "experiment_safety"]
    assert names(settings, telecomit) == usual
    assert SCORES in campaign_assets(telecomit, settings)[0].dependency_keys
    write_spec(settings, lists=True)
    assert names(settings, telecomit) == [*usual, "experiment_lists"]


def test_a_spec_that_makes_no_sense_is_told_at_the_start(settings, telecomit):
    """With file and key, before anything runs."""
    (settings.experiments_dir / "bad.yaml").write_text("name: bad\nportfolio: telecomit\n")
    with pytest.raises(SpecError, match=r"bad.yaml: .*question: Field required"):
        experiment_assets(telecomit, settings)


def test_the_newest_month_of_the_graph_has_ended():
    """Trouble of today is answered in its run: the month of today is no partition yet."""
    now = datetime(2025, 6, 20, tzinfo=UTC)
    assert is_newest(date(2025, 5, 1), now)
    assert not is_newest(date(2025, 4, 1), now)
