"""Who is champion changes once per decision, on record before it takes effect, whatever is repeated
or cut short.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pytest

from churn_platform.audit.anchors import mlflow_anchors
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.trail import champion_at
from churn_platform.audit.verify import verify
from churn_platform.errors import AuditError, TrainingError
from churn_platform.promotion import champion
from churn_platform.promotion.champion import (
    Judgement,
    Reign,
    changing,
    crown,
    decide,
    judgement_of,
    reigns,
)
from churn_platform.training.model_registry import (
    CHAMPION,
    PREVIOUS,
    aliases,
    version_named,
    withdrawn_reason,
)
from churn_platform_tests.promotion.conftest import add_version, judged
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, MARCH


@pytest.fixture
def log(tmp_path) -> AuditLog:
    """A trail, a day between its records."""
    days = count(1)
    return AuditLog(
        tmp_path / "audit.jsonl", "ada", lambda: datetime(2026, 1, next(days), 12, tzinfo=UTC)
    )


def serve(client, log, name: str, *versions: int) -> None:
    """Promote versions one after the other."""
    before = None
    for version in versions:
        decide(client, log, name, judged(version, before))
        before = version


def actions(log) -> list[tuple[str, int]]:
    """Action and version of every record."""
    return [(record.action, record.version) for record in log.records()]


def test_a_promotion_is_on_record_and_in_the_registry(client, log, name):
    """Alias, tags, numbers and the head of the trail, noted at the registered model."""
    assert decide(client, log, name, judged(2, None)) == "promoted: better"
    (record,) = log.records()
    assert aliases(client, name) == {CHAMPION: 2, "challenger": 4}
    assert record.details["evidence"] == {"auc": 0.8}
    assert (record.details["month"], record.details["replaces"]) == ("2025-03", None)
    tags = version_named(client, name, 2).tags
    assert (tags["decision"], tags["decision_reason"], tags["promoted_by"]) == (
        "promotion",
        "promoted: better",
        "ada",
    )
    assert tags["promoted_at"] == "2026-01-01T12:00:00+00:00"
    anchors = [anchor for anchor in mlflow_anchors(client) if name in anchor.where]
    assert [(anchor.sequence, anchor.sha256) for anchor in anchors] == [(1, record.sha256)]
    assert verify(log.path, anchors).findings == []


@invariant("Promotion", "Repeating a decision writes no second record.")
def test_the_same_judgement_again_is_no_new_fact(client, log, name):
    """Promotion, refusal and waiting are each recorded once; a refusal for another reason is a new
    one.
    """
    for judgement in (judged(1, None), judged(2, 1, "refused"), judged(3, 1, "awaiting_approval")):
        decide(client, log, name, judgement)
        assert "nothing changes" in decide(client, log, name, judgement)
    decide(client, log, name, judged(2, 1, "refused", "recall 0.5"))
    assert actions(log) == [
        ("promotion", 1),
        ("refusal", 2),
        ("awaiting_approval", 3),
        ("refusal", 2),
    ]
    assert aliases(client, name)[CHAMPION] == 1


@invariant(
    "Promotion", "The promotion of an older month does not return when that month runs again."
)
def test_an_older_months_promotion_does_not_come_back(client, log, name):
    """Materializing a month again whose version has been replaced leaves the present champion."""
    serve(client, log, name, 1, 2)
    assert "this is on record" in decide(client, log, name, judged(1, None))
    assert aliases(client, name)[CHAMPION] == 2


def test_a_champion_is_not_refused_against_itself(client, log, name):
    """Judging the version that serves once more is no decision."""
    serve(client, log, name, 1)
    assert "version 1 is the champion" in decide(client, log, name, judged(1, 1, "refused"))
    assert actions(log) == [("promotion", 1)]


def test_a_judgement_against_a_former_champion_changes_nothing(client, log, name):
    """The evidence was about another version than the one that serves by now."""
    serve(client, log, name, 1, 2)
    assert "judged against version 1, but 2 serves" in decide(client, log, name, judged(3, 1))
    assert aliases(client, name)[CHAMPION] == 2


def test_reigns_are_told_by_the_trail(client, log, name):
    """Promoted or approved from its training's month on; who is brought back takes a place; no
    refused one.
    """
    decide(client, log, name, judged(1, None))
    decide(client, log, name, judged(2, 1, "refused"))
    with changing(client, log, name):
        crown(client, log, name, 3, "approval", "card read", {"month": "2025-04"})
        crown(client, log, name, 1, "rollback", "complaints", {})
    assert reigns(client, log.records(), name) == [
        Reign(MARCH, 1),
        Reign(APRIL, 3),
        Reign(APRIL, 1),
    ]
    assert reigns(client, log.records(), "another") == []


def test_a_registry_that_is_gone_has_no_reigns(client, log, name):
    """Numbers start again with a new registry: what the trail says of the old one is not of the
    new.
    """
    run_id = client.create_run("0").info.run_id
    log.append(
        "promotion",
        portfolio=name,
        subject="version 1",
        reason="x",
        details={"month": "2025-03", "mlflow_run_id": run_id},
    )
    assert reigns(client, log.records(), name) == []


@invariant("Promotion", "A version that was withdrawn stays withdrawn.")
def test_a_rollback_withdraws_for_good(client, log, name):
    """Neither the old judgement nor a new one, nor a copy of the model, makes a withdrawn version
    champion again.
    """
    serve(client, log, name, 1, 2)
    with changing(client, log, name):
        crown(client, log, name, 1, "rollback", "complaints", {})
    assert aliases(client, name) == {CHAMPION: 1, "challenger": 4}
    assert withdrawn_reason(version_named(client, name, 2)) == "complaints"
    copy = add_version(client, name, auc="0.82")
    assert "was withdrawn (complaints)" in decide(
        client, log, name, judged(2, 1, reason="much better")
    )
    assert f"of which version {copy} is a copy" in decide(client, log, name, judged(copy, 1))
    assert decide(client, log, name, judged(3, 1)) == "promoted: better"


def test_going_back_twice_skips_what_was_withdrawn(client, log, name):
    """`previous` names the newest former champion that may come back."""
    serve(client, log, name, 1, 2, 3)
    with changing(client, log, name):
        crown(client, log, name, 2, "rollback", "x", {})
    assert aliases(client, name)[PREVIOUS] == 1
    with changing(client, log, name):
        crown(client, log, name, 1, "rollback", "y", {})
    assert aliases(client, name) == {CHAMPION: 1, "challenger": 4}


@pytest.mark.parametrize("step", ["tag_version", "set_champion", "note_head"])
@invariant(
    "Promotion",
    "No change of champion takes effect without its record; one that was cut short is completed.",
)
def test_a_change_cut_short_is_completed_by_the_next(client, log, name, step, monkeypatch):
    """After a crash between record and registry, whoever comes next finishes it before doing
    anything else.
    """
    serve(client, log, name, 1, 2)
    with (
        monkeypatch.context() as patched,
        pytest.raises(KeyboardInterrupt),
        changing(client, log, name),
    ):
        patched.setattr(champion, step, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        crown(client, log, name, 1, "rollback", "complaints", {})
    assert champion_at(log.records(), name, log.records()[-1].at).version == 1
    assert decide(client, log, name, judged(3, 1, "refused")) == "refused: better"
    assert aliases(client, name) == {CHAMPION: 1, "challenger": 4}
    assert withdrawn_reason(version_named(client, name, 2)) == "complaints"


def test_an_alias_moved_by_hand_stops_every_change(client, log, name):
    """What the trail does not explain is named, with the way to put it on record."""
    serve(client, log, name, 1, 2)
    client.set_registered_model_alias(name, CHAMPION, "4")
    with pytest.raises(
        AuditError, match=r"names version 4, but the audit trail knows version 2 \(record 2\)"
    ):
        decide(client, log, name, judged(3, 2))
    assert len(log.records()) == 2


def test_a_trail_of_another_registry_is_left_alone(client, log, name):
    """Where the tracking store was made anew, numbers start again: the former ones stop nothing."""
    serve(client, log, name, 1, 2)
    client.delete_registered_model(name)
    version = add_version(client, name, auc="0.9")
    assert version == 1
    assert decide(client, log, name, judged(1, None)) == "promoted: better"
    assert aliases(client, name)[CHAMPION] == 1


def test_a_champion_from_before_the_trail_is_replaced_as_any(client, log, name):
    """An installation that had no trail goes on."""
    client.set_registered_model_alias(name, CHAMPION, "1")
    assert decide(client, log, name, judged(2, 1)) == "promoted: better"
    assert aliases(client, name) | {"challenger": 0} == {CHAMPION: 2, PREVIOUS: 1, "challenger": 0}


def test_of_two_promotions_at_once_one_counts(client, log, name):
    """Both were judged against the same champion: the second finds another one serving."""
    serve(client, log, name, 1)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda version: decide(client, log, name, judged(version, 1)), (2, 3)))
    assert sorted("nothing changes" in text for text in told) == [False, True]
    assert [action for action, _ in actions(log)] == ["promotion", "promotion"]
    assert aliases(client, name)[CHAMPION] == log.records()[-1].version


def test_a_version_that_is_not_there_is_named(client, log, name):
    """The error lists those there are."""
    with pytest.raises(TrainingError, match="has no version 9; there are 1, 2, 3, 4"):
        decide(client, log, name, judged(9, None))


def test_a_row_of_the_evaluation_is_read():
    """Month, versions, outcome, reason and evidence are taken over."""
    row = {
        "month": MARCH,
        "challenger_version": 3,
        "champion_version": 2,
        "reason": "r",
        "evidence": '{"a": 1}',
    }
    assert judgement_of(row | {"outcome": "refused"}) == Judgement(
        "2025-03", 3, 2, "refused", "r", {"a": 1}
    )
