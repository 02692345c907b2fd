"""Train, refuse, train, promote, roll back: through the real graph, MLflow and published files."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_platform.audit.anchors import mlflow_anchors
from churn_platform.audit.log import AuditLog
from churn_platform.audit.trail import select
from churn_platform.audit.verify import verify
from churn_platform.evaluation.side_by_side import compare, made_of, newest_holdout, read_version
from churn_platform.published.by_hand import live_version, roll_back
from churn_platform.published.contract import MODEL_FILE, model_dir
from churn_platform.published.model_bundle import read_bundle
from churn_platform.published.publication import Publisher
from churn_platform.training.registry import CHAMPION, aliases, version_named
from churn_platform.training.tracking import Tracking
from churn_platform.warehouse.lake import connect
from churn_platform_tests.pipeline.graph import Graph
from churn_platform_tests.pipeline.test_governance import write_snapshot

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 1)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    """A snapshot of March, and one of April in which whoever would have left stays and the other way round."""
    graph = Graph(tmp_path_factory.mktemp("succession"))
    write_snapshot(graph)
    march = graph.settings.landing_dir / "acme" / "customers" / "2025-03.csv"
    turned = march.read_text().replace(",yes,", ",left,").replace(",no,", ",yes,").replace(",left,", ",no,")
    march.with_name("2025-04.csv").write_text(turned)
    graph.run("acme_features", MARCH, APRIL)
    return graph


@pytest.fixture(scope="module")
def publisher(acme: Graph) -> Publisher:
    """What a command works with."""
    log = AuditLog(acme.settings.audit_path, "ada", lambda: datetime.now(UTC))
    client, root = Tracking.of(acme.settings).client(), acme.settings.published_dir / "acme"
    return Publisher(client, log, acme.portfolio("acme"), root, acme.lake)


def decisions(publisher: Publisher) -> list[tuple[str, int | None]]:
    """Every record on a version but publications."""
    records = select(publisher.audit.records(), portfolio="acme")
    return [(record.action, record.version) for record in records if record.action not in ("publication", "repair")]


def test_from_the_first_champion_to_a_rollback(acme: Graph, publisher: Publisher) -> None:
    """Each step leaves trail, registry and live file in agreement; what was rolled back does not return."""
    live = publisher.root / "live.json"

    acme.run("acme_training", MARCH, MARCH)
    assert decisions(publisher) == [("promotion", 1)]
    before = live.read_bytes()

    acme.run("acme_training", MARCH, MARCH)
    assert decisions(publisher)[1:] == [("refusal", 2)]
    assert live.read_bytes() == before

    acme.run("acme_training", APRIL, APRIL)
    assert decisions(publisher)[2:] == [("promotion", 3), ("threshold_change", 3)]
    assert live_version(publisher) == aliases(publisher.client, "acme")[CHAMPION] == 3
    promoted = select(publisher.audit.records(), action="promotion")[-1]
    assert promoted.reason.startswith("promoted: the champion fails")
    assert (promoted.details["replaces"], promoted.details["month"]) == (1, "2025-04")

    _damage(model_dir(publisher.root, 1) / MODEL_FILE)
    done = roll_back(publisher, to=None, reason="the April file was wrong")
    assert done.bundle.parity_difference is not None
    assert live_version(publisher) == aliases(publisher.client, "acme")[CHAMPION] == 1
    assert read_bundle(publisher.root, 1).version == 1

    acme.run("acme_training", APRIL, APRIL)
    assert live_version(publisher) == aliases(publisher.client, "acme")[CHAMPION] == 1
    again = publisher.audit.records()[-1]
    assert (again.action, again.version) == ("refusal", 4)
    assert "the April file was wrong" in again.reason

    assert version_named(publisher.client, "acme", 4).tags["decision"] == "refusal"
    anchors = mlflow_anchors(publisher.client)
    assert [anchor.sequence for anchor in anchors] == [again.sequence]
    assert verify(publisher.audit.path, anchors).findings == []


def _damage(path: Path) -> None:
    path.write_bytes(b"changed")


def test_two_versions_stand_side_by_side(publisher: Publisher) -> None:
    """On the newest hold-out, which is April's: the version of March ranks it the wrong way round."""
    first, second = (read_version(publisher.client, publisher.portfolio, number) for number in (1, 3))
    with connect(publisher.lake, read_only=True) as connection:
        customers = newest_holdout(connection, publisher.portfolio)
    compared = compare(first, second, customers, publisher.portfolio, replicates=100)
    assert compared.metrics[0].auc < 0.5 < compared.metrics[1].auc
    assert compared.difference.high < 0
    assert compared.metrics[1].auc == pytest.approx(second.record.holdout["auc"])
    assert made_of(first, second)["month"] == ("2025-03", "2025-04")
    assert "parameter C" not in made_of(first, second)
