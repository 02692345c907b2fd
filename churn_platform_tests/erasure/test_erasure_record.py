"""An erasure is on record once, without the customer's id."""

from datetime import UTC, datetime
from functools import partial
from unittest.mock import Mock

import pytest

from churn_platform.audit.anchors import HEAD, head_text
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.audit_record import customer_subject
from churn_platform.audit.trail_file import read_records
from churn_platform.audit.verify import verify
from churn_platform.erasure.erase import Erasure
from churn_platform.erasure.erasure_record import record_erasure
from churn_platform_tests.erasure.conftest import (
    ADA,
    KEY,
    PHONES,
    World,
)


def test_the_audit_trail_keeps_a_pseudonym_and_still_verifies(world: World) -> None:
    """The record has counts and snapshots under the trail's own keyed hash, and no id; the chain is
    intact.

    Its hash is noted in MLflow, so that the record cannot be cut off unseen.
    """
    settings, client = world.installation.settings, Mock()
    client.get_registered_model.return_value.tags = {}
    log = AuditLog(
        settings.audit_path,
        "tester",
        lambda: datetime(2025, 4, 2, tzinfo=UTC),
    )
    log.append("refusal", portfolio="tiny", subject="version 1", reason="not better")
    world.erase(record=lambda done: record_erasure(log, client, done, reason="asked by letter"))
    record = read_records(settings.audit_path)[-1]
    assert record.subject == customer_subject(ADA, key=KEY)
    assert record.details["rows"]["tiny_raw.calls"] == 2
    assert record.details["expired_snapshots"]
    assert ADA not in settings.audit_path.read_text()
    client.set_registered_model_tag.assert_called_once_with("tiny", HEAD, head_text(record))
    assert not verify(settings.audit_path, []).findings
    assert PHONES[ADA] not in settings.audit_path.read_text()


def test_an_erasure_that_was_killed_after_its_record_is_on_record_once(world: World) -> None:
    """The attempt that completes it finds the record of the one before; another erasure gets a
    record of its own.
    """
    settings, client = world.installation.settings, Mock()
    client.get_registered_model.return_value.tags = {}
    log = AuditLog(settings.audit_path, "tester", lambda: datetime(2025, 4, 2, tzinfo=UTC))
    record = partial(record_erasure, log, client, reason="asked by letter")

    def recorded_and_killed(done: Erasure) -> None:
        record(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.erase(record=recorded_and_killed)
    world.erase(record=record)
    assert len(read_records(settings.audit_path)) == 1
    world.erase(record=record)
    assert len(read_records(settings.audit_path)) == 2
