"""Which rows train, validate and judge."""

import numpy as np
import pytest
from pydantic import ValidationError

from churn_platform.errors import TrainingError
from churn_platform.months import shift
from churn_platform.portfolios.spec import Split
from churn_platform.training.splits import LabelledMonth, assign_months, recency_weights, row_splits
from churn_platform_tests.support.tiny import JANUARY

OUT_OF_TIME = Split(policy="out_of_time", training_months=2)
STRATIFIED = Split(policy="stratified", holdout_share=0.2, validation_share=0.1, seed=3)


def months(count: int, churned: int = 5) -> list[LabelledMonth]:
    """Months of a hundred customers from January on."""
    return [LabelledMonth(shift(JANUARY, offset), 100, churned) for offset in range(count)]


def test_the_newest_months_judge_and_validate():
    """Hold-out is the newest, validation the one before, the two before those train, the oldest is
    left out.
    """
    assert assign_months(list(reversed(months(5))), OUT_OF_TIME) == {
        shift(JANUARY, 1): "train",
        shift(JANUARY, 2): "train",
        shift(JANUARY, 3): "validation",
        shift(JANUARY, 4): "holdout",
    }


def test_three_months_are_enough_out_of_time():
    """Fewer training months than asked for are used as they are."""
    assert list(assign_months(months(3), OUT_OF_TIME).values()) == [
        "train",
        "validation",
        "holdout",
    ]


def test_a_stratified_split_uses_the_newest_month_alone():
    """A snapshot is cut by rows."""
    assert assign_months(months(2), STRATIFIED) == {shift(JANUARY, 1): "stratified"}


@pytest.mark.parametrize(
    ("known", "split", "message"),
    [
        (
            months(2),
            OUT_OF_TIME,
            r"needs 3 months with matured labels, there are 2 \(2025-01, 2025-02\)",
        ),
        ([], STRATIFIED, r"needs 1 months with matured labels, there are 0 \(none\)"),
        (months(3, churned=0), OUT_OF_TIME, "2025-01: 0 of 100 customers churned"),
        (months(3, churned=100), OUT_OF_TIME, "2025-01: 100 of 100 customers churned"),
    ],
)
def test_what_cannot_be_split_is_said(known, split, message):
    """Too few months, or one without both kinds of customers, is an error that names them."""
    with pytest.raises(TrainingError, match=message):
        assign_months(known, split)


def test_a_month_out_of_use_may_lack_churners():
    """Only the months in use must have both kinds."""
    oldest = LabelledMonth(JANUARY, 100, 0)
    assert JANUARY not in assign_months([oldest, *months(5)[1:]], OUT_OF_TIME)


def test_parts_have_the_same_churn_rate():
    """Of 100 churners and 900 stayers, each part holds its share of both."""
    churned = np.array([1] * 100 + [0] * 900)
    parts = row_splits(churned, STRATIFIED)
    counts = {
        name: ((parts == name).sum(), churned[parts == name].sum())
        for name in ("train", "validation", "holdout")
    }
    assert counts == {"train": (700, 70), "validation": (100, 10), "holdout": (200, 20)}


def test_the_seed_decides_the_parts():
    """The same seed gives the same parts, another one others."""
    churned = np.array([1, 0] * 100)
    again = row_splits(churned, STRATIFIED)
    assert (row_splits(churned, STRATIFIED) == again).all()
    assert (row_splits(churned, STRATIFIED.model_copy(update={"seed": 4})) != again).any()


def test_a_half_life_halves():
    """With a half-life of two months, rows aged 0, 2 and 4 months weigh 4 : 2 : 1, and 1 on
    average.
    """
    customers = {JANUARY: 100, shift(JANUARY, 2): 100, shift(JANUARY, 4): 200}
    split = OUT_OF_TIME.model_copy(update={"half_life_months": 2})
    weights = recency_weights(customers, split)
    assert list(weights.values()) == pytest.approx(
        [4 / 11, 8 / 11, 16 / 11]
    )  # (100 + 200 + 800) / 400 = 11 / 4
    assert sum(weights[month] * rows for month, rows in customers.items()) == pytest.approx(400)


def test_without_a_half_life_all_rows_count_alike():
    """No weights at all, so that an algorithm does what it does without any."""
    assert recency_weights({JANUARY: 100, shift(JANUARY, 1): 100}, OUT_OF_TIME) == {}


def test_a_snapshot_has_no_half_life():
    """Rows of one moment are of one age; a spec that says otherwise is refused."""
    with pytest.raises(ValidationError, match="half_life_months is for out_of_time"):
        Split(policy="stratified", half_life_months=3)
