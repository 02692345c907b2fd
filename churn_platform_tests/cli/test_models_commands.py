"""`churn models`, `champion` and `rollback` as a person reads them, and as a script does."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles.features_bundle import publish_features
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.cli.models_commands import read_instant
from churn_platform.errors import ChurnError, PromotionError
from churn_platform.promotion.champion import decide
from churn_platform.published.format import model_dir
from churn_platform.published.live_file import go_live
from churn_platform.training.model import ChurnModel
from churn_platform_tests.promotion.test_champion import add_version, judged
from churn_platform_tests.support.tiny import customers, fit_tiny

NOW = datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    """One fitted model; what it is matters to no command here."""
    return fit_tiny("logistic_regression")


@pytest.fixture
def served(tracking, settings, monkeypatch, record, model) -> None:
    """The portfolio ibm_telco: version 1 champion at noon of 1 January 2026, version 2 a day later,
    scored by it.
    """
    monkeypatch.setenv("CHURN_MLFLOW_TRACKING_URI", tracking.tracking_uri)
    client, root = tracking.client(), settings.published_dir / "ibm_telco"
    if client.search_registered_models("name = 'ibm_telco'"):
        client.delete_registered_model("ibm_telco")
    days = count(1)
    log = AuditLog(
        settings.audit_path, "ada", lambda: datetime(2026, 1, next(days), 12, tzinfo=UTC)
    )
    for version, before in ((1, None), (2, 1)):
        add_version(client, "ibm_telco", auc=f"0.8{version}")
        publish_model(
            root,
            version,
            model,
            replace(record, portfolio="ibm_telco"),
            customers(20, seed=1).features,
        )
        decide(client, log, "ibm_telco", judged(version, before))
    publish_features(
        root,
        portfolio="ibm_telco",
        month="2025-03",
        features=["usage"],
        scored_by=2,
        customers=[("C1", b"x")],
    )
    go_live(root, "ibm_telco", champion=2, features_month="2025-03")


def test_versions_are_listed(churn, served):
    """Newest first, with what was decided on them and what they are now."""
    rows = json.loads(churn("models", "ibm_telco", "--json").stdout)
    assert [(row["version"], row["aliases"], row["hold-out AUC"]) for row in rows] == [
        (2, "challenger, champion", "0.82"),
        (1, "previous", "0.81"),
    ]
    table = churn("models", "ibm_telco").stdout
    assert "promotion" in table
    assert "2026-01-02T12:00:00+00:00" in table


@pytest.mark.parametrize(
    ("day", "champion"),
    [
        ("2025-12-31", None),
        ("2026-01-01", 1),
        ("2026-01-02T11:59:59", 1),
        ("2026-01-02T12:00:00", 2),
        ("2026-01-02T12:30+01:00", 1),
        ("2026-01-02", 2),
        ("2026-01-20", 2),
    ],
)
def test_the_champion_of_a_day_is_told(churn, served, day, champion):
    """To the end of a day in UTC, or at an instant in its own zone; a change counts from its own
    second on.
    """
    record = json.loads(churn("champion", "ibm_telco", "--on", day, "--json").stdout)["record"]
    assert (record and record["subject"]) == (champion and f"version {champion}")


def test_the_champion_of_now_is_held_against_registry_and_serving(churn, served, settings):
    """Where the trail, the alias and the live file differ, that is said."""
    agreeing = churn("champion", "ibm_telco").stdout
    assert "version 2 since 2026-01-02 12:00:00 UTC, promotion by ada: promoted: better" in agreeing
    assert "differ" not in agreeing
    go_live(settings.published_dir / "ibm_telco", "ibm_telco", champion=1)
    assert "these differ" in churn("champion", "ibm_telco").stdout
    assert (
        "none, as far as the audit trail knows"
        in churn("champion", "ibm_telco", "--on", "2025-01-01").stdout
    )


def test_a_rollback_says_what_it_did_and_what_is_left_to_do(churn, served, settings):
    """From which version to which, the record, and the command that scores the live month again."""
    done = churn("rollback", "ibm_telco", "--reason", "complaints [many]")
    assert "champion        version 2 -> version 1, live" in done.stdout
    assert "complaints [many]" in done.stdout
    assert "of 2025-03 were made by version 2" in done.stdout
    assert "churn score ibm_telco --month 2025-03" in done.stdout
    assert "withdrawn" in churn("models", "ibm_telco").stdout
    assert model_dir(settings.published_dir / "ibm_telco", 1).exists()
    with pytest.raises(PromotionError, match="version 2 of ibm_telco was withdrawn"):
        churn("rollback", "ibm_telco", "--to", "2", "--reason", "x")


def test_a_rollback_speaks_json(churn, served):
    """Versions, record and the scores that are stale."""
    told = json.loads(churn("rollback", "ibm_telco", "--reason", "x", "--json").stdout)
    assert (told["before"], told["after"], told["record"]["action"]) == (2, 1, "rollback")
    assert told["stale_scores"] == {"month": "2025-03", "scored_by": 2}


def test_an_instant_is_read():
    """A day to its last microsecond, today to now, UTC without a zone; the future and nonsense are
    refused.
    """
    assert read_instant("2026-01-31", now=NOW) == datetime(2026, 2, 1, tzinfo=UTC) - timedelta(
        microseconds=1
    )
    assert read_instant("2026-02-01", now=NOW) == NOW
    assert read_instant("2026-01-31T12:00", now=NOW) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert read_instant("2026-01-31T12:00+02:00", now=NOW) == datetime(2026, 1, 31, 10, tzinfo=UTC)
    with pytest.raises(ChurnError, match="is in the future"):
        read_instant("2026-02-02", now=NOW)
    with pytest.raises(ChurnError, match="'last week' is no date"):
        read_instant("last week", now=NOW)


def test_traffic_tells_the_shares_and_is_recorded(churn, served, settings):
    """The shares as printed are those of live.json, and the trail names who, what and why."""
    printed = churn(
        "traffic", "ibm_telco", "--challenger", "1", "--weight", "0.1", "--reason", "trial"
    ).stdout
    assert [line.split() for line in printed.splitlines()] == [
        ["version", "2", "champion", "90%"],
        ["version", "1", "challenger", "10%"],
    ]
    last = AuditLog(settings.audit_path, "ada", lambda: NOW).records()[-1]
    assert (last.action, last.version, last.reason) == ("traffic", 1, "trial")
    assert last.by.endswith("by command")
