"""Promotes the version that waits for a person's approval, or refuses it."""

from contextlib import closing
from typing import Any

from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import BY_PERSON
from churn_platform.errors import PromotionError
from churn_platform.promotion import evaluation_table
from churn_platform.promotion.champion import (
    changing,
    judgement_of,
    numbers,
    obstacle_to_promotion,
    withdraw,
    withdrawal,
)
from churn_platform.promotion.publication import Publisher
from churn_platform.promotion.takeover import Takeover, check_reason, take_over
from churn_platform.training.model_registry import (
    CHAMPION,
    version_of,
)
from churn_platform.warehouse.lake import connect


def approve(publisher: Publisher, *, version: int | None, reason: str) -> Takeover:
    """Promote the version that waits for approval and make it live; PromotionError if it, or
    any, does not wait.
    """
    check_reason(reason)
    client, portfolio = publisher.client, publisher.portfolio
    if portfolio.approval != "manual":
        raise PromotionError(
            f"{portfolio.name} promotes without approval; `approval: "
            "manual` in its spec changes that"
        )

    judgement = judgement_of(_waiting(publisher, version))
    # Checked under the lock: while a person decides, another version may become champion.
    with changing(client, publisher.audit, portfolio.name):
        serving = version_of(client, portfolio.name, CHAMPION)
        if obstacle := obstacle_to_promotion(client, portfolio.name, judgement, serving):
            raise PromotionError(f"version {judgement.version} cannot be approved: {obstacle}")
        details = {
            "month": judgement.month,
            "earned": judgement.reason,
            **numbers(judgement.evidence),
        }
        return take_over(publisher, judgement.version, serving, "approval", reason, details)


def refuse(publisher: Publisher, *, version: int | None, reason: str) -> Record:
    """Refuse the version that waits for approval, for good; PromotionError if it, or any, does not
    wait.
    """
    check_reason(reason)
    client, portfolio = publisher.client, publisher.portfolio
    judgement = judgement_of(_waiting(publisher, version))
    with changing(client, publisher.audit, portfolio.name):
        if obstacle := withdrawal(client, portfolio.name, judgement.version):
            raise PromotionError(f"version {judgement.version} does not wait any more: {obstacle}")
        details = {"month": judgement.month, "earned": judgement.reason, BY_PERSON: True}
        return withdraw(client, publisher.audit, portfolio.name, judgement.version, reason, details)


def _waiting(publisher: Publisher, version: int | None) -> dict[str, Any]:
    """The newest evaluation that waits for approval, of that version where one is given."""
    portfolio = publisher.portfolio
    with closing(connect(publisher.lake, read_only=True)) as connection:
        rows = evaluation_table.awaiting_approval(connection, portfolio)

    waiting = [row for row in rows if version in (None, row["challenger_version"])]
    if waiting:
        return waiting[-1]

    asked = f"{portfolio.name} has none"
    if version:
        asked = f"version {version} of {portfolio.name} does not wait"

    others = ", ".join(str(row["challenger_version"]) for row in rows) or "none"
    raise PromotionError(
        f"{asked} for approval; waiting: {others} (`churn models {portfolio.name}` lists all)"
    )
