"""Rollback and approval: on record, live at once, and without effect where they are refused."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from churn_platform.audit.audit_log import AuditLog, locked
from churn_platform.audit.verify import verify
from churn_platform.bundles.features_bundle import publish_features
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.errors import AuditError, PromotionError, PublicationError
from churn_platform.promotion import takeover
from churn_platform.promotion.approval import approve
from churn_platform.promotion.champion import changing, decide, judgement_of
from churn_platform.promotion.evaluation_table import COLUMNS, read_evaluation
from churn_platform.promotion.publication import Publisher, make_live, ready_bundle
from churn_platform.promotion.rollback import roll_back
from churn_platform.promotion.takeover import live_version, scored_by_another
from churn_platform.promotion.traffic import share_traffic
from churn_platform.published.format import MODEL_FILE, model_dir
from churn_platform.published.live_file import direct_traffic, go_live, read_live
from churn_platform.training.model import ChurnModel
from churn_platform.training.model_registry import (
    CHAMPION,
    PREVIOUS,
    aliases,
    version_named,
    withdrawn_reason,
)
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.promotion.test_champion import add_version, judged
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import MARCH, TINY, customers, fit_tiny

NAMES = count(1)
SAMPLE = customers(50, seed=6).features


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    """One fitted model instead of one per algorithm; what it is matters to no rollback."""
    return fit_tiny("logistic_regression")


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


def test_a_publication_is_on_record_with_the_threshold_it_brings(publisher, serve):
    """Version and hashes of what went live; publishing the same files again is no new fact."""
    serve(1, 2)
    publication = publisher.audit.records()[-1]
    assert actions(publisher)[2:] == [("promotion", 2), ("threshold_change", 2), ("publication", 2)]
    bundle = ready_bundle(publisher, 2)
    assert publication.details["bundle_sha256"] == bundle.sha256
    assert publication.details["model_sha256"] == bundle.manifest.sha256[MODEL_FILE]
    assert publisher.audit.records()[-2].details == {"before": 0.1, "after": 0.2}
    with changing(publisher.client, publisher.audit, publisher.portfolio.name):
        make_live(publisher, bundle, reason="again")
    assert len(actions(publisher)) == 5


def test_a_rollback_serves_at_once_and_is_on_record(publisher, serve):
    """The former champion's own files go live, the present one is withdrawn, the chain verifies."""
    serve(1, 2)
    before = (model_dir(publisher.root, 1) / MODEL_FILE).resolve()
    done = roll_back(publisher, to=None, reason="complaints from the call centre")
    assert (done.before, done.record.version, done.bundle.parity_difference) == (2, 1, None)
    assert (
        live_version(publisher),
        aliases(publisher.client, publisher.portfolio.name)[CHAMPION],
    ) == (1, 1)
    assert (model_dir(publisher.root, 1) / MODEL_FILE).resolve() == before
    assert (
        withdrawn_reason(version_named(publisher.client, publisher.portfolio.name, 2))
        == done.record.reason
    )
    assert actions(publisher)[-3:] == [("rollback", 1), ("threshold_change", 1), ("publication", 1)]
    assert verify(publisher.audit.path).findings == []


def test_a_version_can_be_chosen(publisher, serve):
    """Of three champions the first comes back; only the present one is withdrawn, the second stays
    a way back.
    """
    serve(1, 2, 3)
    roll_back(publisher, to=1, reason="x")
    assert live_version(publisher) == 1
    assert aliases(publisher.client, publisher.portfolio.name)[PREVIOUS] == 2


def refused(publisher, message: str, **arguments) -> None:
    """The rollback is refused and changes neither trail, registry nor what is live."""
    name = publisher.portfolio.name
    before = (actions(publisher), aliases(publisher.client, name), live_version(publisher))
    with pytest.raises(PromotionError, match=message):
        roll_back(publisher, **{"to": None, "reason": "x"} | arguments)
    assert before == (actions(publisher), aliases(publisher.client, name), live_version(publisher))


def test_what_cannot_come_back_is_refused(publisher, serve):
    """No champion before, the champion itself, one that never served, a
    withdrawn one, no reason.
    """
    serve(1)
    refused(publisher, "has no champion before version 1")
    refused(publisher, "version 1 is the champion of .* already", to=1)
    refused(publisher, "version 3 of .* was never champion", to=3)
    refused(publisher, "say why", reason=" ")
    serve(1, 2)
    roll_back(publisher, to=None, reason="complaints")
    refused(publisher, r"version 2 of .* was withdrawn \(complaints\)", to=2)
    refused(publisher, "has no champion before version 1")


def test_a_damaged_bundle_is_not_served(publisher, serve):
    """Changed files are exported again; where that cannot be done nothing happens at all."""
    serve(1, 2)
    (model_dir(publisher.root, 1) / MODEL_FILE).write_bytes(b"changed")
    before = (actions(publisher), live_version(publisher))
    with pytest.raises(
        Exception, match=r"artifact|record"
    ):  # these versions have no model to export
        roll_back(publisher, to=None, reason="x")
    assert before == (actions(publisher), live_version(publisher))


def test_a_rollback_cut_short_is_completed_and_not_repeated(publisher, serve, monkeypatch):
    """Killed before it was live: a second one without a version asks, with the version it completes
    the first.
    """
    serve(1, 2)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(
            takeover, "make_live", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        roll_back(publisher, to=None, reason="complaints")
    assert live_version(publisher) == 2
    refused(
        publisher, "version 1 of .* is champion, but version 2 is live.*give --to 1 to complete it"
    )
    done = roll_back(publisher, to=1, reason="complaints")
    assert (done.before, done.record.reason, live_version(publisher)) == (2, "complaints", 1)
    assert [action for action, _ in actions(publisher)].count("rollback") == 1


@invariant("Promotion", "A run cannot publish over a rollback.")
def test_a_run_does_not_publish_over_a_rollback(publisher, serve):
    """A bundle exported before the rollback finds another champion and stays where it is."""
    serve(1, 2)
    bundle = ready_bundle(publisher, 2)
    roll_back(publisher, to=None, reason="x")
    with (
        pytest.raises(PublicationError, match=r"version 2 of .* is champion no more, version 1 is"),
        changing(publisher.client, publisher.audit, publisher.portfolio.name),
    ):
        make_live(publisher, bundle, reason="run")
    assert live_version(publisher) == 1


def test_scores_of_another_version_are_told(publisher, serve):
    """After a rollback the live month still holds scores of the withdrawn version."""
    serve(1, 2)
    assert scored_by_another(publisher, 2) is None
    publish_features(
        publisher.root,
        portfolio="x",
        month="2025-03",
        features=["usage"],
        scored_by=2,
        customers=[("C1", b"x")],
    )
    go_live(publisher.root, publisher.portfolio.name, features_month="2025-03")
    assert scored_by_another(publisher, 2) is None
    roll_back(publisher, to=None, reason="x")
    assert scored_by_another(publisher, 1) == ("2025-03", 2)


@pytest.fixture
def manual(publisher) -> Publisher:
    """The portfolio with approval by hand."""
    portfolio = publisher.portfolio.model_copy(update={"approval": "manual"})
    return replace(publisher, portfolio=portfolio)


def evaluate(publisher, version: int, champion: int | None, month: date = MARCH) -> None:
    """A row of the table `evaluation` that waits."""
    table = f"{publisher.portfolio.name}.evaluation"
    row = {
        "month": month,
        "challenger_version": version,
        "champion_version": champion,
        "is_promoted": False,
        "reason": "earned promotion, waits for approval: better",
        "evidence": '{"auc": 0.8}',
        "outcome": "awaiting_approval",
    }
    with closing(connect(publisher.lake)) as connection:
        ensure_table(connection, table, COLUMNS)
        names = ", ".join(row)
        connection.execute(
            f"insert into {table} ({names}) values (?, ?, ?, ?, ?, ?, ?)", list(row.values())
        )


def test_an_approval_promotes_publishes_and_is_on_record(manual, serve, model, record):
    """With what the version earned its promotion by, and who approved it."""
    serve(1)
    publish_model(manual.root, 2, model, record, SAMPLE)
    evaluate(manual, 2, 1)
    done = approve(manual, version=None, reason="card read, numbers fine")
    assert (done.before, done.record.version, live_version(manual)) == (1, 2, 2)
    assert (done.record.action, done.record.by, done.record.details["month"]) == (
        "approval",
        "ada",
        "2025-03",
    )
    assert done.record.details["earned"] == "earned promotion, waits for approval: better"
    assert aliases(manual.client, manual.portfolio.name)[PREVIOUS] == 1
    with closing(connect(manual.lake)) as connection:
        row = read_evaluation(connection, manual.portfolio, MARCH)
    roll_back(manual, to=None, reason="x")
    decide(manual.client, manual.audit, manual.portfolio.name, judgement_of(row))
    assert live_version(manual) == 1
    with pytest.raises(PromotionError, match="version 2 was withdrawn"):
        approve(manual, version=2, reason="again")


def test_what_does_not_wait_is_not_approved(manual, publisher, serve):
    """Nothing evaluated, another version, an automatic portfolio, a champion that changed since, no
    reason.
    """
    connect(manual.lake).close()
    with pytest.raises(PromotionError, match=r"has none for approval; waiting: none"):
        approve(manual, version=None, reason="x")
    serve(1, 2)
    evaluate(manual, 3, 1)
    with pytest.raises(
        PromotionError, match=r"version 2 of .* does not wait for approval; waiting: 3"
    ):
        approve(manual, version=2, reason="x")
    with pytest.raises(
        PromotionError, match="version 3 was judged against version 1, but 2 serves"
    ):
        approve(manual, version=3, reason="x")
    with pytest.raises(PromotionError, match="promotes without approval"):
        approve(publisher, version=3, reason="x")
    with pytest.raises(PromotionError, match="say why"):
        approve(manual, version=3, reason="")
    assert live_version(manual) == 2


def test_an_experiment_is_on_record_before_it_is_live(publisher, serve, monkeypatch):
    """Start and end are recorded with shares and reason, the same again is not; unrecorded, nothing
    changes.
    """
    serve(1, 2)
    before = len(publisher.audit.records())
    for weight in (0.25, 0.25, 0.0):
        share_traffic(publisher, challenger=1, weight=weight, shadow=False, reason="trial")
    started, ended = publisher.audit.records()[before:]
    assert (started.action, started.subject, started.reason) == ("traffic", "version 1", "trial")
    assert started.details == {
        "live": {"version 1": ["challenger", 0.25], "version 2": ["champion", 0.75]}
    }
    assert ended.details == {"live": {"version 2": ["champion", 1.0]}}
    with monkeypatch.context() as patched, pytest.raises(AuditError):
        patched.setattr("churn_platform.audit.audit_log.WAIT_SECONDS", 0.0)
        with locked(publisher.audit.path):
            share_traffic(publisher, challenger=1, weight=0.5, shadow=False, reason="trial")
    with pytest.raises(PromotionError, match="say why"):
        share_traffic(publisher, challenger=1, weight=0.5, shadow=False, reason=" ")
    assert [model.version for model in read_live(publisher.root).models] == [2]


@pytest.mark.parametrize(
    "share", [{"weight": 0.1, "shadow": False}, {"weight": 0.0, "shadow": True}]
)
def test_a_withdrawn_version_gets_no_traffic(publisher, serve, share):
    """Nor does it score in the shadow; an experiment with it that is live all the same can be
    ended.
    """
    serve(1, 2)
    roll_back(publisher, to=None, reason="complaints")
    with pytest.raises(
        PromotionError, match=r"version 2 of .* gets no traffic: .* withdrawn \(complaints\)"
    ):
        share_traffic(publisher, challenger=2, reason="trial", **share)
    direct_traffic(publisher.root, challenger=2, **share)
    share_traffic(publisher, challenger=2, weight=0.0, shadow=False, reason="over")
    assert [model.version for model in read_live(publisher.root).models] == [1]
