"""Customers who are newly at risk, sent by an asset: once, of the newest month, on record."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from dagster import DagsterInstance, materialize

from churn_platform.audit.trail_file import read_records
from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.errors import WebhookError
from churn_platform.graph.assets.risk_webhook_assets import risk_webhook_assets
from churn_platform.graph.resources.audit_trail import AuditTrail
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.months import shift
from churn_platform.settings import Settings, load_settings
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.published_page import publish
from churn_platform_tests.support.tiny import JANUARY
from churn_platform_tests.support.webhook_receiver import receiving

PORTFOLIO = with_campaign(control_share=0)


@pytest.fixture
def received():
    """A receiver on loopback."""
    with receiving() as received:
        yield received


@pytest.fixture
def settings(tmp_path: Path, received) -> Settings:
    """An installation that sends there, with January published for the page."""
    publish(tmp_path / "data" / "published", month="2025-01")
    return load_settings(
        data_dir=tmp_path / "data",
        phone_hash_key="k" * 32,
        risk_webhook_url=received.url,
        risk_webhook_secret="a secret of twenty...",
        risk_webhook_tries=1,
    )


@pytest.fixture
def risen(lake: Lake) -> Lake:
    """A and B at 10 % in December, A at 90 % in January."""
    with closing(connect(lake)) as connection:
        add_scores(connection, {"A": 0.1, "B": 0.1})
        connection.execute("update tiny.monthly_scores set month = ?", [shift(JANUARY, -1)])
        add_scores(connection, {"A": 0.9, "B": 0.1})
        replace_contact_list(connection, PORTFOLIO, JANUARY)
    return lake


def sent(settings: Settings, lake: Lake) -> str:
    """Run the asset for January; what it says."""
    (asset,) = risk_webhook_assets(PORTFOLIO, settings)
    with DagsterInstance.ephemeral() as instance:
        result = materialize(
            [asset],
            partition_key=JANUARY.isoformat(),
            resources={
                "warehouse": Warehouse.of(lake),
                "audit": AuditTrail(path=str(settings.audit_path)),
            },
            instance=instance,
        )
    (event,) = result.get_asset_materialization_events()
    return str(event.step_materialization_data.materialization.metadata["state"].value)


def test_a_month_is_sent_once_and_on_record(settings, risen, received):
    """A alone; the record counts and names nobody; another run sends nothing."""
    assert sent(settings, risen) == "sent to 127.0.0.1"
    assert sent(settings, risen) == "sent before"
    (body,) = received.bodies
    assert json.loads(body)["customer_ids"] == ["A"]
    (record,) = read_records(settings.audit_path)
    assert (record.action, record.subject) == ("risk_webhook", "month 2025-01")
    assert record.details == {"customers": 1, "parts": 1, "host": "127.0.0.1"}


def test_what_was_not_taken_is_not_on_record(settings, risen, received):
    """The run fails and says so; the next one sends it."""
    received.answers = [500]
    with pytest.raises(WebhookError, match="answered 500"):
        sent(settings, risen)
    assert not settings.audit_path.exists()
    assert sent(settings, risen) == "sent to 127.0.0.1"


def test_an_older_month_is_not_sent(settings, risen, received):
    """As in a backfill, or when a month is made again."""
    publish(settings.published_dir, month="2025-02")
    assert sent(settings, risen) == "not sent, 2025-02 is the newest month"
    assert received.bodies == []


def test_without_an_address_there_is_no_asset(tmp_path):
    """The graph is as it was."""
    assert risk_webhook_assets(PORTFOLIO, load_settings(data_dir=tmp_path)) == []
