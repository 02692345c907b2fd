"""Both contenders stand before the same customers."""

from dataclasses import replace

import numpy as np
import pytest

from churn_platform.metrics.fairness import FairnessGap
from churn_platform.promotion.evaluate import Contender, judge
from churn_platform.promotion.rules import AWAITING_APPROVAL
from churn_platform.training.model import Calibration
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import JANUARY, TINY, customers

HOLDOUT = customers(400, seed=4)
LENIENT = TINY.model_copy(
    update={"gates": TINY.gates.model_copy(update={"max_calibration_error": 1.0})}
)


def judged(model, champion=None, *, portfolio=LENIENT, **options):
    """The model as version 2 before the hold-out, against `champion`."""
    return judge(
        portfolio, JANUARY, Contender(2, model, 0.2), champion, HOLDOUT, replicates=100, **options
    )


def test_without_a_champion_the_gates_decide(model):
    """The first model that passes is promoted, with no difference to show."""
    found = judged(model, portfolio=TINY)
    assert (found.champion, found.decision.difference, found.compared_customers) == (None, None, 0)
    assert found.decision.promoted is (found.challenger.standing.metrics.calibration_error <= 0.05)


def test_a_model_does_not_replace_itself(model):
    """Challenger and champion alike: no evidence, no promotion."""
    found = judged(model, Contender(1, model, 0.2))
    assert (found.decision.difference.low, found.decision.difference.high) == (0, 0)
    assert (found.decision.promoted, found.compared_customers) == (False, 400)


def test_each_contender_is_measured_at_its_own_threshold(model):
    """A lower threshold contacts more of the same customers."""
    found = judge(
        LENIENT,
        JANUARY,
        Contender(2, model, 0.1),
        Contender(1, model, 0.6),
        HOLDOUT,
        replicates=100,
    )
    first, second = found.challenger.standing.metrics, found.champion.standing.metrics
    assert first.contacted_share > second.contacted_share
    assert first.auc == second.auc


def test_a_badly_calibrated_challenger_is_refused(model):
    """Probabilities far from what happens fail their gate, however good the ranking."""
    wrong = replace(
        model, calibration=Calibration(model.calibration.slope, model.calibration.intercept + 2)
    )
    found = judged(wrong, portfolio=TINY)
    assert "calibration error" in found.decision.reason
    assert not found.decision.promoted


@pytest.mark.parametrize(
    ("slope", "intercept", "words"),
    [
        (float("nan"), 0.0, "400 of 400 are not a number"),
        (0.0, -1.0, "98 % of the customers get about the same"),
    ],
)
@invariant(
    "Promotion",
    "A model whose predictions are not numbers, or all equal, is refused and is no error.",
)
def test_a_broken_model_is_refused_and_not_an_error(model, slope, intercept, words):
    """Predictions that are no numbers, or all alike, end in a refusal; as a champion such a model
    gives way.
    """
    broken = replace(model, calibration=Calibration(slope, intercept))
    refused = judged(broken)
    assert (refused.decision.promoted, refused.challenger.standing.metrics) == (False, None)
    found = judged(model, Contender(1, broken, 0.2))
    assert found.decision.promoted
    assert "the champion" in found.decision.reason
    assert words in str(found.champion.standing.degenerate)


def test_fairness_is_asked_of_the_predicted_churners(model):
    """The gap of the customers at or above the contender's own threshold decides, for challenger
    and champion.
    """
    asked = []

    def fairness(probability: np.ndarray, threshold: float) -> FairnessGap:
        asked.append(int((probability >= threshold).sum()))
        return FairnessGap(0.9, "age")

    found = judged(model, Contender(1, model, 0.6), fairness=fairness)
    shares = [one.standing.metrics.contacted_share for one in (found.challenger, found.champion)]
    assert asked == [round(share * 400) for share in shares]
    assert "equalized-odds difference over age 0.9000" in found.decision.reason


def test_manual_approval_waits(model):
    """In a portfolio with manual approval nothing is promoted unasked."""
    manual = LENIENT.model_copy(update={"approval": "manual"})
    assert judged(model, portfolio=manual).decision.outcome == AWAITING_APPROVAL


def test_a_withdrawn_version_is_not_promoted_again(model):
    """Whatever it reaches."""
    found = judge(
        LENIENT,
        JANUARY,
        Contender(2, model, 0.2, barred="withdrawn"),
        None,
        HOLDOUT,
        replicates=100,
    )
    assert found.decision.reason == "refused: withdrawn"


def test_customers_that_the_champion_knows_are_left_out(model):
    """The comparison uses those new to the champion; where none of one outcome is new, all, and the
    record says so.
    """
    known = np.arange(400) < 300
    found = judged(model, Contender(1, model, 0.2, known=known))
    assert (found.champion.known_customers, found.compared_customers) == (300, 100)
    all_known = judged(model, Contender(1, model, 0.2, known=np.ones(400, dtype=bool)))
    assert (all_known.champion.known_customers, all_known.compared_customers) == (400, 400)
    stayers_new = judged(model, Contender(1, model, 0.2, known=HOLDOUT.churned == 1))
    assert stayers_new.compared_customers == 400
