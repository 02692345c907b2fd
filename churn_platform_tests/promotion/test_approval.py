"""A version that waits is promoted by a person's approval."""

from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest

from churn_platform.audit.trail import refused_by_person
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.errors import PromotionError
from churn_platform.promotion.approval import approve, refuse
from churn_platform.promotion.champion import decide, judgement_of
from churn_platform.promotion.evaluation_table import COLUMNS, read_evaluation
from churn_platform.promotion.publication import Publisher
from churn_platform.promotion.rollback import roll_back
from churn_platform.promotion.takeover import live_version
from churn_platform.training.model_registry import (
    PREVIOUS,
    aliases,
)
from churn_platform.warehouse.lake import connect
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.promotion.conftest import SAMPLE
from churn_platform_tests.support.tiny import MARCH

# What the model is matters to none of these tests: one algorithm, not each of them.
pytestmark = pytest.mark.parametrize("model", ["logistic_regression"], indirect=True)


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


def test_a_refusal_by_a_person_is_on_record_and_final(manual, serve):
    """The champion stays; the version is neither approved later nor refused twice."""
    serve(1)
    evaluate(manual, 2, 1)
    record = refuse(manual, version=2, reason="unfair to the young")
    assert (record.action, record.version, record.by) == ("refusal", 2, "ada")
    assert refused_by_person(manual.audit.records(), manual.portfolio.name) == {2}
    with pytest.raises(PromotionError, match="withdrawn"):
        approve(manual, version=2, reason="x")
    with pytest.raises(PromotionError, match="does not wait any more"):
        refuse(manual, version=2, reason="x")
    assert live_version(manual) == 1


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
