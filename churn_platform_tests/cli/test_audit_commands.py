"""`churn audit` reads the trail, says what is wrong with it and with what it was compared."""

import json
from datetime import UTC, datetime

import pytest

from churn_platform.audit.audit_log import AuditLog
from churn_platform.errors import ChurnError


@pytest.fixture
def log(settings) -> AuditLog:
    """Two refusals and a promotion on three days, of two portfolios."""
    days = iter((1, 2, 3, 4))
    log = AuditLog(settings.audit_path, "ada", lambda: datetime(2026, 1, next(days), tzinfo=UTC))
    log.append("refusal", portfolio="tiny", subject="version 1", reason="recall 0.5 < 0.6")
    log.append("promotion", portfolio="tiny", subject="version 2", reason="the first [that] passes")
    log.append("refusal", portfolio="other", subject="version 1", reason="no better")
    return log


def test_an_intact_trail_exits_with_zero(churn, log):
    """The head is printed, and the anchors that were out of reach are named."""
    done = churn("audit", "verify")
    assert done.exit_code == 0
    assert f"records         3, head 3:{log.records()[-1].sha256}" in done.stdout
    assert "MLflow: not reached: no MLflow store at" in done.stdout
    assert "Dagster: not reached: no dagster.yaml in" in done.stdout
    assert "no anchor was compared" in done.stdout
    assert done.stdout.endswith("intact\n")


def test_a_broken_trail_exits_with_one_and_names_the_line(churn, log, settings):
    """A word changed in the second record."""
    content = settings.audit_path.read_bytes()
    settings.audit_path.write_bytes(content.replace(b"that", b"than"))
    done = churn("audit", "verify")
    assert done.exit_code == 1
    assert "line 2          changed: its content does not fit its hash" in done.stdout
    assert done.stdout.endswith("broken\n")


def test_a_noted_head_finds_a_cut_end(churn, log, settings):
    """With the head that was printed before, a shorter trail is broken."""
    head = f"3:{log.records()[-1].sha256}"
    assert churn("audit", "verify", "--head", head).exit_code == 0
    settings.audit_path.write_bytes(
        b"".join(settings.audit_path.read_bytes().splitlines(keepends=True)[:2])
    )
    assert churn("audit", "verify").exit_code == 0
    done = churn("audit", "verify", "--head", head)
    assert done.exit_code == 1
    assert "end of file     the head given knows record 3" in done.stdout


def test_a_head_that_is_none_is_refused(churn, log):
    """A typing error is not taken for an anchor that fits."""
    with pytest.raises(ChurnError, match="no head of the audit trail"):
        churn("audit", "verify", "--head", "3:abc")


def test_records_are_listed_and_narrowed(churn, log):
    """All of them, or those of a portfolio, an action, since a day."""
    assert churn("audit", "show").stdout.count("2026-01-0") == 3
    narrowed = churn("audit", "show", "--portfolio", "tiny", "--action", "refusal").stdout
    assert "recall 0.5 < 0.6" in narrowed
    assert narrowed.count("2026-01-0") == 1
    since = churn("audit", "show", "--since", "2026-01-02").stdout
    assert "the first [that] passes" in since
    assert since.count("2026-01-0") == 2


def test_a_portfolio_that_nobody_knows_is_refused(churn, log):
    """One without records is shown empty, one that only the trail knows is shown."""
    with pytest.raises(ChurnError, match="no portfolio 'nope'; there are telecomit"):
        churn("audit", "show", "--portfolio", "nope")
    assert "2026" not in churn("audit", "show", "--portfolio", "telecomit").stdout
    assert churn("audit", "show", "--portfolio", "other").stdout.count("2026-01-0") == 1


def test_records_come_as_json_lines(churn, log):
    """One object per record, as the file holds it."""
    shown = [json.loads(line) for line in churn("audit", "show", "--json").stdout.splitlines()]
    assert [record["sequence"] for record in shown] == [1, 2, 3]
    assert shown[1]["subject"] == "version 2"


def test_a_day_that_is_none_is_refused(churn, log):
    """The message says how to write one."""
    with pytest.raises(ChurnError, match="'2026-02-30' is not a day; write YYYY-MM-DD"):
        churn("audit", "show", "--since", "2026-02-30")


def test_no_trail_shows_nothing_and_is_intact(churn, settings):
    """Before the first decision."""
    assert "2026" not in churn("audit", "show").stdout
    assert churn("audit", "verify").exit_code == 0
    assert not settings.audit_path.exists()
