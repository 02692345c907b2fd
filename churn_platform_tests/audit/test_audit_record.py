"""A record keeps no personal data, and comes back as it was written."""

from dataclasses import replace
from datetime import datetime

import pytest

from churn_platform.audit.audit_record import customer_subject
from churn_platform.errors import AuditError
from churn_platform_tests.audit.conftest import add


@pytest.mark.parametrize(
    "subject", ["Ada Lovelace", "customer 4711", "version 0", "version 1 of Ada", "month 2025-13"]
)
def test_personal_data_is_no_subject(log, subject):
    """Only versions, months and keyed hashes can be named."""
    with pytest.raises(AuditError, match="never personal data"):
        log.append("erasure", portfolio="tiny", subject=subject, reason="asked for")
    assert log.records() == []


def test_a_customer_is_named_by_a_keyed_hash(log):
    """The same id under the same key has one name, under another key another, and the id is not in
    the file.
    """
    subject = customer_subject("C-4711", key="k" * 32)
    assert (
        subject
        == customer_subject("C-4711", key="k" * 32)
        != customer_subject("C-4711", key="l" * 32)
    )
    log.append("erasure", portfolio="tiny", subject=subject, reason="asked for")
    assert b"4711" not in log.path.read_bytes()


@pytest.mark.parametrize(
    "details", [{"x": object()}, {"x": "\ud800"}, {"x": "y" * 70_000}, {1: "a", "1": "b"}]
)
def test_what_cannot_be_kept_is_refused(log, details):
    """Details that are no JSON, or too many, add nothing."""
    add(log)
    with pytest.raises(AuditError):
        log.append("refusal", portfolio="tiny", subject="version 2", reason="x", details=details)
    assert len(log.records()) == 1


def test_a_time_without_zone_is_refused(log):
    """Local time would be read as UTC."""
    with pytest.raises(AuditError, match="no time zone"):
        add(replace(log, now=lambda: datetime(2026, 1, 1)))
