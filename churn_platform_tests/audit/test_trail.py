"""Decisions are read out of the trail by portfolio, action and time."""

from datetime import UTC, datetime

from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import (
    champion_at,
    champions,
    last_features_publication,
    last_model_publication,
    select,
)


def told(sequence: int, action: str, subject: str, *, hour: int, portfolio: str = "tiny") -> Record:
    """A record of the first of January."""
    return Record(
        sequence=sequence,
        at=datetime(2026, 1, 1, hour, tzinfo=UTC),
        by="ada",
        action=action,  # type: ignore[arg-type]
        portfolio=portfolio,
        subject=subject,
        reason="r",
        details={},
        previous="",
    )


TRAIL = [
    told(1, "promotion", "version 1", hour=1),
    told(2, "publication", "version 1", hour=2),
    told(3, "publication", "month 2025-03", hour=3),
    told(4, "refusal", "version 2", hour=4),
    told(5, "promotion", "version 9", hour=5, portfolio="other"),
    told(6, "approval", "version 3", hour=6),
    told(7, "rollback", "version 1", hour=7),
]


def numbers(records: list[Record]) -> list[int]:
    """Which records they are."""
    return [record.sequence for record in records]


def test_what_is_not_given_does_not_narrow():
    """Each condition alone, all together, and none."""
    assert numbers(select(TRAIL)) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(select(TRAIL, action="publication")) == [2, 3]
    since = datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert numbers(select(TRAIL, since=since)) == [5, 6, 7]
    assert numbers(select(TRAIL, portfolio="tiny", action="promotion", since=since)) == []


def test_only_three_decisions_make_a_champion():
    """Promotion, approval and rollback, of the portfolio that is asked for."""
    assert numbers(champions(TRAIL, "tiny")) == [1, 6, 7]


def test_a_change_counts_from_its_own_instant():
    """Nobody was champion before the first."""
    by_hour = [
        champion_at(TRAIL, "tiny", datetime(2026, 1, 1, hour, tzinfo=UTC)) for hour in (0, 1, 6, 9)
    ]
    assert [record and record.version for record in by_hour] == [None, 1, 3, 1]


def test_the_order_of_the_trail_counts_where_clocks_disagree():
    """A later record with an earlier time is still the later decision."""
    late = told(8, "promotion", "version 4", hour=2)
    found = champion_at([*TRAIL, late], "tiny", datetime(2026, 1, 1, 9, tzinfo=UTC))
    assert found is late


def test_models_and_months_are_published_apart():
    """A month's publication is not taken for that of a model."""
    model = last_model_publication(TRAIL, "tiny")
    month = last_features_publication(TRAIL, "tiny", "2025-03")
    assert model is TRAIL[1]
    assert month is TRAIL[2]
    assert last_features_publication(TRAIL, "tiny", "2025-02") is None
