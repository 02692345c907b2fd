"""The outcome of a month: both scores on the same customers."""

from functools import partial

import numpy as np
import pytest

from churn_platform.experiments.outcome import (
    COLUMNS,
    NAME,
    find_outcome,
    newest_outcome,
    replace_experiment_rows,
)
from churn_platform.months import shift
from churn_platform_tests.experiments.lake_rows import (
    DECEMBER,
    add_arm_scores,
    add_contacts,
    add_labels,
    state_of,
)
from churn_platform_tests.support.tiny import TINY

JANUARY, FEBRUARY = shift(DECEMBER, 1), shift(DECEMBER, 2)
NAMES = [f"C{number:03d}" for number in range(120)]


def nobody(_, ids):
    """No version was fitted on these customers."""
    return np.zeros(len(ids), dtype=bool)


find = partial(find_outcome, portfolio=TINY, thresholds=(0.5, 0.5), known=nobody)


def add_month(connection, features_month, *, seed: int, backwards: bool = False) -> None:
    """120 customers, of whom about a third leave; the challenger knows more of it."""
    generator = np.random.default_rng(seed)
    churned = generator.random(120) < 0.33
    noise = generator.normal(0, 0.3, (2, 120))
    control = np.clip(0.4 + 0.1 * churned + noise[0], 0.01, 0.99)
    challenger = np.clip(0.4 + 0.5 * churned + noise[1], 0.01, 0.99)
    order = range(119, -1, -1) if backwards else range(120)
    add_labels(connection, features_month, {NAMES[place]: bool(churned[place]) for place in order})
    add_arm_scores(
        connection,
        features_month,
        {NAMES[place]: (float(control[place]), float(challenger[place])) for place in order},
    )


def test_a_better_challenger_is_seen_and_decided_on(connection):
    """A large effect, at the last look of an experiment of one month."""
    add_month(connection, DECEMBER, seed=1)
    row, scores = find(connection, state=state_of(most_months=1), month=JANUARY)
    assert row["challenger_auc"] > row["control_auc"] + 0.1
    assert row["difference"] == pytest.approx(row["challenger_auc"] - row["control_auc"])
    assert (row["customers"], len(scores)) == (120, 120)
    assert row["decision"] == "ship"
    assert row["alpha_spent"] == 0.05


def test_the_same_again_in_another_order_gives_the_same_row(connection):
    """Analysed twice, or with customers in another order: to the last digit."""
    add_month(connection, DECEMBER, seed=1)
    first, _ = find(connection, state=state_of(), month=JANUARY)
    connection.execute("delete from tiny.churn_labels")
    connection.execute("delete from tiny.experiment_scores")
    add_month(connection, DECEMBER, seed=1, backwards=True)
    again, _ = find(connection, state=state_of(), month=JANUARY)
    assert again == first


def test_months_add_up_and_a_month_run_again_changes_nothing(connection):
    """February's row rests on January's; each is replaced by itself."""
    state = state_of()
    for features_month, seed in ((DECEMBER, 1), (JANUARY, 2)):
        add_month(connection, features_month, seed=seed)

    rows = {}
    for month in (JANUARY, FEBRUARY, JANUARY, FEBRUARY):
        row, _ = find(connection, state=state, month=month)
        assert rows.setdefault(month, row) == row
        replace_experiment_rows(connection, f"tiny.{NAME}", COLUMNS, month, "boosting", [row])

    (counted,) = connection.execute(f"select count(*) from tiny.{NAME}").fetchone()
    assert counted == 2
    newest = newest_outcome(connection, f"tiny.{NAME}", state)
    assert newest["month"] == FEBRUARY
    mean = (rows[JANUARY]["difference"] + rows[FEBRUARY]["difference"]) / 2
    assert newest["estimate"] == pytest.approx(mean)


def test_contacted_customers_and_those_fitted_on_are_left_out(connection):
    """C000 was contacted in January; a version was fitted on C001."""
    add_month(connection, DECEMBER, seed=1)
    add_contacts(connection, JANUARY, ["C000"])
    found = find(
        connection,
        state=state_of(),
        month=JANUARY,
        known=lambda _, ids: np.isin(ids, ["C001"]),
    )
    assert found[0]["customers"] == 118
    assert find(connection, state=state_of(), month=JANUARY, known=lambda *_: None) is None


def test_who_left_by_an_older_snapshot_counts_once(connection):
    """A and B leave by December's file. January's still has them, and C, who left since."""
    december = {"A": True, "B": True, "C": False, "D": False}
    for month, left in ((DECEMBER, december), (JANUARY, december | {"C": True})):
        add_labels(connection, month, left)
        add_arm_scores(connection, month, dict.fromkeys(left, (0.5, 0.6)))

    for kind, customers, churners in (("snapshot", 2, 1), ("events", 4, 3)):
        portfolio = TINY.model_copy(update={"kind": kind})
        row, _ = find(connection, portfolio=portfolio, state=state_of(), month=FEBRUARY)
        assert (row["customers"], row["churners"]) == (customers, churners)


def test_too_few_outcomes_do_not_count(connection):
    """Three customers, of whom one left."""
    add_labels(connection, DECEMBER, {"A": True, "B": False, "C": False})
    add_arm_scores(connection, DECEMBER, {"A": (0.5, 0.6), "B": (0.4, 0.3), "C": (0.2, 0.2)})
    row, _ = find(connection, state=state_of(), month=JANUARY)
    assert (row["decision"], row["difference"]) == ("keep running", None)
    assert "fewer than 20 customers left, or stayed" in row["verdict"]
