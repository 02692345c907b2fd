"""The verdict on a month's measures beside those of earlier months."""

import pytest

from churn_platform.data_contract.judge import complaint, judge_month, limits
from churn_platform.data_contract.measure import ROWS, SIZE, Measure


def month(rows: float, size: float) -> dict[tuple[str, str], float]:
    """The measures of an earlier month."""
    return {("", ROWS): rows, ("amount_eur", SIZE): size}


def measured(rows: float, size: float) -> list[Measure]:
    """The measures of the month under judgement."""
    return [Measure("", ROWS, "count", rows), Measure("amount_eur", SIZE, "size", size)]


def test_rows_within_a_factor_of_two_pass():
    """Half of the usual rows is just admitted, less or more than double is not."""
    history = [month(1000, 20)] * 3
    verdicts = [
        judge_month(measured(rows, 20), history)[0].is_sound
        for rows in (499, 500, 1400, 2000, 2001)
    ]
    assert verdicts == [False, True, True, True, False]


def test_too_little_history_judges_nothing():
    """Two months say too little: whatever comes third passes, without limits."""
    (rows, size) = judge_month(measured(1, 2000), [month(1000, 20)] * 2)
    assert rows.is_sound
    assert size.is_sound
    assert rows.expected is None


def test_a_yearly_wave_passes_and_a_lost_feed_in_it_does_not():
    """Rows that swing by 30 percent stay inside at the trough; 30 percent of the trough's rows do
    not.
    """
    history = [month(1000 * wave, 20) for wave in (1.0, 1.15, 1.26, 1.3, 1.26, 1.15)]
    assert judge_month(measured(700, 20), history)[0].is_sound
    assert not judge_month(measured(0.3 * 1150, 20), history)[0].is_sound


def test_cents_for_euros_are_named():
    """Amounts a hundred times as large break the contract, and the words say where to look."""
    judged = judge_month(measured(1000, 2000), [month(1000, 20)] * 3)[1]
    assert not judged.is_sound
    assert complaint("transactions", judged) == (
        "transactions.amount_eur: size 2,000, usually 20 (admitted 6.667 to 60); "
        "about 100 times off, look at the unit (euros and cents?)"
    )


def test_a_price_rise_is_no_unit():
    """Amounts up by half are the operator's business, not a broken feed."""
    assert judge_month(measured(1000, 30), [month(1000, 20)] * 3)[1].is_sound


def test_a_tiny_table_is_not_judged():
    """A table of 20 rows a month varies too much to say anything."""
    assert judge_month(measured(1, 2000), [month(20, 20)] * 5)[0].is_sound


@pytest.mark.parametrize(
    ("share", "is_sound"), [(0.023, True), (0.1, True), (0.0, False), (0.004, False)]
)
def test_churners_must_not_vanish(share, is_sound):
    """A level with a share of 2.3 percent may grow, but without it every label
    would be 'stayed'.
    """
    low, high = limits("level", [0.023, 0.022, 0.024], rows=4000)
    assert (low <= share <= high) is is_sound


def test_a_rare_level_may_be_absent():
    """Of 3 expected rows, none is chance."""
    assert limits("level", [0.001, 0.001, 0.001], rows=3000)[0] == 0


def test_a_file_that_ends_early_is_noticed():
    """Two days without events more than usual are admitted, not three."""
    assert limits("days", [0, 0, 1, 0], rows=1000) == (0, 2)
