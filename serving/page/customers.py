"""What an agent is told of a customer: what to say first, then why, then the facts."""

import hashlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from churn_platform.published.outcome_log import ACCEPTED, DECLINED, THINKING, Outcome
from churn_platform.published.page_bundle import (
    FACT_PREFIX,
    LIST_HELD,
    LIST_WAITING,
    Fact,
    PublishedOffer,
)
from serving.errors import NotFound
from serving.page.bundle import Month

CONTACT, CONTROL = "contact", "control"
DONE, REFUSES = "answered", "refuses"
NOT_OUT = {LIST_HELD: "held", LIST_WAITING: "waiting"}
"""What is said while a list is not handed over, by its state."""
OFFERED = (ACCEPTED, DECLINED, THINKING)


class Heard(msgspec.Struct, frozen=True):
    """One thing that was said with the customer before."""

    outcome_id: str
    at: datetime
    agent: str
    channel: str
    offer: str
    answer: str
    reason: str
    call_back_on: str | None
    do_not_contact: bool


class CustomerView(msgspec.Struct, frozen=True):
    """A customer as an agent sees them.

    advice: what to say, a key of the catalogue of texts. offer: what this agent may offer now; None
    if nothing.
    """

    customer_id: str
    row: dict[str, Any]
    advice: str
    offer: PublishedOffer | None
    is_lowest: bool
    facts: list[tuple[Fact, Any]]
    heard: list[Heard]
    history: list[tuple[date, float]]


def find_by_phone(month: Month, number: str, key: str) -> str | None:
    """The customer with that number; None if there is none. The number is hashed as ingestion
    does, and kept nowhere.
    """
    # The same as `keyed_hash` of the platform, which is SQL: the first 64 bits of SHA-256.
    digest = hashlib.sha256((key + number).encode()).hexdigest()
    query = "select customer_id from phones where phone_hash = ?"
    row = month.row(query, [int(digest[:16], 16)])
    return row["customer_id"] if row else None


def read_phone_key(path: Path) -> str:
    """The key of the phone-number hash; empty if it is not here, and then numbers cannot be
    searched.
    """
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def view_customer(month: Month, customer_id: str, recorded: list[Outcome]) -> CustomerView:
    """Everything of a customer; NotFound if the month has none of that id."""
    row = month.customer(customer_id)
    if row is None:
        raise NotFound(f"no data of customer {customer_id[:60]!r} in {month.manifest.month}")
    heard = _heard(month, customer_id, recorded)
    lowest = month.manifest.tiers[-1].name if month.manifest.tiers else None
    is_lowest = row["risk_tier"] == lowest
    advice = _advice(month, row, heard, is_lowest=is_lowest)
    return CustomerView(
        customer_id=customer_id,
        row=row,
        advice=advice,
        offer=_offer(month, row) if advice == CONTACT else None,
        is_lowest=is_lowest,
        facts=[(fact, row[FACT_PREFIX + fact.name]) for fact in month.manifest.facts],
        heard=heard,
        history=list(zip(row["history_months"], row["history_scores"], strict=True)),
    )


def _advice(month: Month, row: dict[str, Any], heard: list[Heard], *, is_lowest: bool) -> str:
    """What to do: a decision on the customer, or what was heard since, which goes before it."""
    if any(each.do_not_contact for each in heard):
        return REFUSES
    as_of = _end_of(month.manifest.month)
    if any(each.at >= as_of and each.answer in (ACCEPTED, DECLINED) for each in heard):
        return DONE
    state = month.manifest.campaign.list_state
    if row["decision"] == CONTACT and state in NOT_OUT:
        return NOT_OUT[state]
    if row["decision"] != CONTACT and is_lowest:
        return "lowest"
    return row["decision"] or "undecided"


def _offer(month: Month, row: dict[str, Any]) -> PublishedOffer | None:
    offers = {offer.name: offer for offer in month.manifest.campaign.offers}
    return offers.get(row["offer"])


def _heard(month: Month, customer_id: str, recorded: list[Outcome]) -> list[Heard]:
    """What was recorded here and what the platform knows, each once, the newest first."""
    rows = month.rows("select * from contacts where customer_id = ?", [customer_id])
    found = {row["outcome_id"]: _from_row(row) for row in rows}
    found |= {outcome.outcome_id: _from_outcome(outcome) for outcome in recorded}
    return sorted(found.values(), key=lambda each: each.at, reverse=True)


def _from_row(row: dict[str, Any]) -> Heard:
    day = row["call_back_on"]
    return Heard(
        outcome_id=row["outcome_id"],
        at=row["contacted_at"].replace(tzinfo=UTC),
        agent="",
        channel=row["channel"] or "",
        offer=row["offer"] or "",
        answer=row["answer"] or "",
        reason=row["reason"] or "",
        call_back_on=day.isoformat() if day else None,
        do_not_contact=bool(row["do_not_contact"]),
    )


def _from_outcome(outcome: Outcome) -> Heard:
    return Heard(
        outcome_id=outcome.outcome_id,
        at=datetime.fromtimestamp(outcome.at_us / 1e6, UTC),
        agent=outcome.agent,
        channel=outcome.channel,
        offer=outcome.offer,
        answer=outcome.answer,
        reason=outcome.reason,
        call_back_on=outcome.call_back_on,
        do_not_contact=outcome.do_not_contact,
    )


def _end_of(month: str) -> datetime:
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
