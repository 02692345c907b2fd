"""The contact list as an asset: what is handed over, and when it is not."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance, materialize

from churn_platform.campaign.export import export_folder
from churn_platform.campaign.list_approval import ACTION, DIGEST, list_digest
from churn_platform.graph.assets.campaign_assets import campaign_assets
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.settings import load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.monitoring.test_judged_outcomes import COLUMNS, add
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import JANUARY

DECEMBER = shift(JANUARY, -1)


@pytest.fixture
def scored(lake: Lake) -> Lake:
    """January scored by version 3, whose outcomes of the month before were far below its
    promise.
    """
    with closing(connect(lake)) as connection:
        add_scores(connection, {f"C{number}": 0.9 for number in range(20)})
        ensure_table(connection, "tiny.model_performance", COLUMNS)
        add(connection, JANUARY, DECEMBER, 3, 0.2)
    return lake


def trail(tmp_path: Path) -> AuditTrail:
    """The trail of the test."""
    return AuditTrail(path=str(tmp_path / "audit.jsonl"))


def listed(lake: Lake, tmp_path: Path, portfolio: Portfolio) -> dict[str, Any]:
    """Metadata of January's list, made by its asset."""
    made, _ = campaign_assets(portfolio, load_settings(data_dir=tmp_path / "data"))[:2]
    with DagsterInstance.ephemeral() as instance:
        result = materialize(
            [made],
            partition_key=JANUARY.isoformat(),
            resources={"warehouse": Warehouse.of(lake), "audit": trail(tmp_path)},
            instance=instance,
        )
    (event,) = result.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    return {name: value.value for name, value in metadata.items()}


@invariant("Campaign", "No list is handed over from a model that is known to be broken.")
def test_a_list_of_a_broken_model_is_made_and_not_handed_over(scored: Lake, tmp_path: Path):
    """It is in the table, marked with the reason; the next champion's list is handed over."""
    portfolio = with_campaign()
    folder = export_folder(
        load_settings(data_dir=tmp_path / "data").exports_dir, portfolio, JANUARY
    )
    shown = listed(scored, tmp_path, portfolio)
    assert shown["list_status"].startswith("held back, made by model version 3: outcomes of 20")
    assert (shown["contacts"], shown["model_version"]) == (19, 3)
    assert not folder.exists()

    with closing(connect(scored)) as connection:
        connection.execute("update tiny.monthly_scores set model_version = 4")
    shown = listed(scored, tmp_path, portfolio)
    assert shown["list_status"] == "handed over, made by model version 4"
    assert (folder / "contact_list.csv").exists()


def test_the_spec_may_hand_it_over_all_the_same(scored: Lake, tmp_path: Path):
    """`campaign.hand_over_if_severe`: somebody has decided so."""
    shown = listed(scored, tmp_path, with_campaign(hand_over_if_severe=True))
    assert shown["list_status"] == "handed over, made by model version 3"
    assert Path(shown["file"]).exists()


@invariant("Campaign", "Where approval is asked for, no list goes out before a person's approval.")
def test_a_list_waits_for_the_approval_of_that_very_list(scored: Lake, tmp_path: Path):
    """`campaign.needs_approval`: made and not handed over; approved, it is handed over by the next
    run, unless it was made of other scores meanwhile.
    """
    portfolio = with_campaign(needs_approval=True, hand_over_if_severe=True)
    waiting = "waiting for approval, made by model version 3"
    shown = listed(scored, tmp_path, portfolio)
    assert shown["list_status"] == waiting and "file" not in shown

    with closing(connect(scored)) as connection:
        digest = list_digest(connection, portfolio, JANUARY)
    approve(tmp_path, "0" * 64)
    assert listed(scored, tmp_path, portfolio)["list_status"] == waiting

    approve(tmp_path, digest)
    shown = listed(scored, tmp_path, portfolio)
    assert shown["list_status"] == "handed over, made by model version 3"
    assert Path(shown["file"]).exists()


def test_an_approval_does_not_hand_over_what_is_held_back(scored: Lake, tmp_path: Path):
    """The list of a broken model waits for another champion, whoever approved it."""
    portfolio = with_campaign(needs_approval=True)
    assert listed(scored, tmp_path, portfolio)["list_status"].startswith("held back")
    with closing(connect(scored)) as connection:
        approve(tmp_path, list_digest(connection, portfolio, JANUARY))
    assert listed(scored, tmp_path, portfolio)["list_status"].startswith("held back")


def approve(tmp_path: Path, digest: str) -> None:
    """Put an approval on record."""
    trail(tmp_path).log("by hand").append(
        ACTION,
        portfolio="tiny",
        subject="month 2025-01",
        reason="read it",
        details={DIGEST: digest},
    )


def test_outcomes_are_known_before_the_list():
    """In the graph the list comes after the month's matured performance."""
    made, _ = campaign_assets(with_campaign(), load_settings())[:2]
    assert AssetKey(["tiny", "model_performance"]) in made.asset_deps[made.key]


def test_decisions_are_an_asset_after_the_list(scored: Lake, tmp_path: Path):
    """One run makes the list and says of each of the 20 customers why; the counts are figures of
    the month.
    """
    settings = load_settings(data_dir=tmp_path / "data")
    made, explained = campaign_assets(with_campaign(control_share=0, capacity=3), settings)[:2]
    with DagsterInstance.ephemeral() as instance:
        result = materialize(
            [made, explained],
            partition_key=JANUARY.isoformat(),
            resources={"warehouse": Warehouse.of(scored), "audit": trail(tmp_path)},
            instance=instance,
        )
    events = result.get_asset_materialization_events()
    metadata = events[-1].step_materialization_data.materialization.metadata
    figures = {name: metadata[name].value for name in ("contact", "beyond_budget")}
    assert figures == {"contact": 3, "beyond_budget": 17}
