"""A list that a person must approve."""

import pytest

from churn_platform.campaign.contact_list import replace_contact_list
from churn_platform.campaign.hand_over import AWAITS_APPROVAL, HANDED_OVER, WAITING, hand_over_of
from churn_platform.campaign.list_approval import approve_list, list_digest
from churn_platform.errors import AuditError, DataError
from churn_platform_tests.campaign.conftest import add_scores, with_campaign
from churn_platform_tests.support.tiny import JANUARY

PORTFOLIO = with_campaign(control_share=0, needs_approval=True)


@pytest.fixture
def waiting(connection):
    """January's list of A and B, which waits."""
    add_scores(connection, {"A": 0.9, "B": 0.6})
    replace_contact_list(connection, PORTFOLIO, JANUARY, held_because=AWAITS_APPROVAL)
    return connection


def test_an_approval_is_on_record_before_the_list_goes_out(waiting, lake):
    """With model version, digest and counts; approved once, it does not wait any more."""
    recorded = []

    def record(details):
        assert hand_over_of(waiting, PORTFOLIO, JANUARY).state == WAITING
        recorded.append(details)

    digest = list_digest(waiting, PORTFOLIO, JANUARY)
    approve_list(waiting, lake, PORTFOLIO, JANUARY, record=record)
    assert hand_over_of(waiting, PORTFOLIO, JANUARY).state == HANDED_OVER
    assert recorded[0]["list_sha256"] == digest
    assert (recorded[0]["model_version"], recorded[0]["contacts"]) == (3, 2)
    with pytest.raises(DataError, match="does not wait for approval: it is handed over"):
        approve_list(waiting, lake, PORTFOLIO, JANUARY, record=record)


def test_without_a_record_nothing_goes_out(waiting, lake):
    """A trail that cannot be written stops the hand-over."""

    def fail(details):
        raise AuditError("disk full")

    with pytest.raises(AuditError):
        approve_list(waiting, lake, PORTFOLIO, JANUARY, record=fail)
    assert hand_over_of(waiting, PORTFOLIO, JANUARY).state == WAITING


def test_what_is_held_back_or_missing_is_not_approved(connection, lake):
    """A list of a broken model, and a month without one."""
    with pytest.raises(DataError, match="no contacts in 2025-01; materialize tiny/contact_list"):
        approve_list(connection, lake, PORTFOLIO, JANUARY, record=print)
    add_scores(connection, {"A": 0.9})
    replace_contact_list(connection, PORTFOLIO, JANUARY, held_because="it is broken")
    with pytest.raises(DataError, match="held back, made by model version 3: it is broken"):
        approve_list(connection, lake, PORTFOLIO, JANUARY, record=print)


def test_the_digest_names_one_list(waiting):
    """Another role or offer is another list; the same rows are the same one."""
    digest = list_digest(waiting, PORTFOLIO, JANUARY)
    assert digest == list_digest(waiting, PORTFOLIO, JANUARY)
    waiting.execute("update tiny.contact_list set role = 'control' where customer_id = 'B'")
    assert digest != list_digest(waiting, PORTFOLIO, JANUARY)
