"""Rollback and approval: on record, live at once, and without effect where they are refused."""

import pytest

from churn_platform.audit.verify import verify
from churn_platform.bundles.features_bundle import publish_features
from churn_platform.errors import PromotionError
from churn_platform.promotion import takeover
from churn_platform.promotion.rollback import roll_back
from churn_platform.promotion.takeover import live_version, scored_by_another
from churn_platform.published.format import MODEL_FILE, model_dir
from churn_platform.published.live_file import go_live
from churn_platform.training.model_registry import (
    CHAMPION,
    PREVIOUS,
    aliases,
    version_named,
    withdrawn_reason,
)
from churn_platform_tests.promotion.conftest import actions

# What the model is matters to none of these tests: one algorithm, not each of them.
pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)


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
