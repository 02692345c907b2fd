"""Fixtures that tests of this folder share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.promotion import champion
from churn_platform.promotion.champion import (
    Judgement,
    changing,
    decide,
)
from churn_platform.promotion.publication import Publisher, make_live, ready_bundle
from churn_platform.training.model_registry import (
    register,
)
from churn_platform_tests.support.tiny import TINY, customers

NAMES = count(1)
SAMPLE = customers(50, seed=6).features


@pytest.fixture
def publisher(tracking, tmp_path, lake) -> Publisher:
    """A portfolio of its own with three registered versions and nothing published."""
    name = f"hand_{next(NAMES)}"
    minutes = count(1)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    log = AuditLog(
        tmp_path / "audit.jsonl", "ada", lambda: begin + timedelta(minutes=next(minutes))
    )

    made = Publisher(
        tracking.client(), log, TINY.model_copy(update={"name": name}), tmp_path / "published", lake
    )
    for number in range(1, 4):
        add_version(made.client, name, auc=f"0.8{number}")
    return made


@pytest.fixture
def serve(publisher, model, record):
    """Promotes versions one after the other, each published with a threshold of its own."""

    def serve(*versions: int) -> None:
        before = None
        for version in versions:
            own = replace(record, portfolio=publisher.portfolio.name, threshold=version / 10)
            publish_model(publisher.root, version, model, own, SAMPLE)
            decide(
                publisher.client, publisher.audit, publisher.portfolio.name, judged(version, before)
            )
            with changing(publisher.client, publisher.audit, publisher.portfolio.name):
                make_live(publisher, ready_bundle(publisher, version), reason="run")
            before = version

    return serve


def actions(publisher) -> list[tuple[str, int]]:
    """Action and version of every record."""
    return [(record.action, record.version) for record in publisher.audit.records()]


@pytest.fixture
def client(tracking):
    """The tracking store that the session shares."""
    return tracking.client()


@pytest.fixture
def name(client) -> str:
    """A portfolio of its own with four registered versions."""
    portfolio = f"line_{next(NAMES)}"
    for number in range(1, 5):
        add_version(client, portfolio, auc=f"0.8{number}")
    return portfolio


def add_version(client, portfolio: str, *, auc: str) -> int:
    """A version without a model, with the tags of one."""
    run_id = client.create_run("0").info.run_id
    tags = dict.fromkeys(champion.TWIN_TAGS, "x") | {"holdout_auc": auc}
    return register(
        client,
        portfolio,
        model_uri=f"runs:/{run_id}/model",
        run_id=run_id,
        description="none",
        tags=tags,
    )


def judged(
    version: int, champion: int | None, outcome: str = "promoted", reason: str = "better"
) -> Judgement:
    """A judgement of March with a number in its evidence."""
    return Judgement(
        "2025-03", version, champion, outcome, f"{outcome}: {reason}", {"auc": 0.8, "curve": [1, 2]}
    )
