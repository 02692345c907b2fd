"""Whether ranking by uplift, the effect of a contact, earns more than ranking by churn: learnt and
judged by the draw.

What is identified: the effect of the offer that each customer was drawn for or against, among
customers of past lists. So uplift ranks customers of at least the risk of those, and chooses
no offers.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.campaign.outcome import MISMATCH_P_VALUE, mismatch
from churn_platform.campaign.randomised import Randomised
from churn_platform.metrics.comparison import CONFIDENCE

if TYPE_CHECKING:
    from econml.dr import ForestDRLearner

FOLDS = 5
REPLICATES = 4_000
SEED = 13
SHARE_OF_COST = (
    0.5  # of contacting everybody: what each ranking may spend where a budget or capacity binds
)


@dataclass(frozen=True)
class Challenge:
    """The decision on the uplift ranking, with what it rests on; profits in EUR per customer who
    was drawn.

    Profits are None if there were too few customers to fit and judge.
    """

    treated: int
    control: int
    uplift_profit_eur: float | None
    churn_profit_eur: float | None
    difference_eur: float | None
    difference_low_eur: float | None
    difference_high_eur: float | None
    is_used: bool
    reason: str


def judge(
    customers: Randomised,
    features: np.ndarray,
    *,
    acceptance_rate: np.ndarray,
    control_share: float,
    fewest: int,
    is_limited: bool,
    threads: int,
) -> Challenge:
    """Judge the ranking by uplift against that by churn on customers that its fit has not seen.

    `features` are those of `customers` at the time of the list, (rows, features), `acceptance_rate`
    that assumed of their offers. Either group must hold `fewest` customers. Where the list
    `is_limited` by a budget or a capacity both rankings may spend half of what contacting everybody
    would cost.
    """
    control = int(customers.is_control.sum())
    treated = len(customers) - control
    if obstacle := _obstacle(treated, control, fewest, control_share):
        reason = f"ranked by churn: {obstacle}"
        return Challenge(treated, control, None, None, None, None, None, False, reason)

    value_eur = customers.value_eur
    cost_eur = customers.planned_cost_eur
    # Judged on customers outside the fit, weighted by the inverse of the drawn share: what each
    # ranking would have earned. A metric of rankings alone says nothing about euros.
    uplift = held_out_uplift(customers, features, threads=threads)
    by_uplift = uplift * value_eur - cost_eur
    by_churn = customers.churn_probability * acceptance_rate * value_eur - cost_eur
    budget = SHARE_OF_COST if is_limited else 1.0
    chosen = chosen_within(by_uplift, customers, budget, only_positive=True)
    rival = chosen_within(by_churn, customers, budget, only_positive=False)

    earned = effects_eur(customers, control_share=control_share)
    gains_eur = (chosen.astype(float) - rival) * earned
    low, high = paired_interval(gains_eur, customers.customer_id)
    mine = float((chosen * earned).mean())
    theirs = float((rival * earned).mean())
    gain = mine - theirs
    # The same evidence as in promotion (99 %), since it is judged as often.
    is_used = low > 0
    if is_used:
        verdict = "ranked by uplift: it earns more"
    else:
        verdict = "ranked by churn: uplift is not shown to earn more"

    reason = (
        f"{verdict} ({gain:+.2f} EUR per customer drawn, "
        f"{CONFIDENCE:.0%} interval {low:+.2f} to {high:+.2f}, "
        f"{treated:,} treated and {control:,} control customers)"
    )
    return Challenge(treated, control, mine, theirs, gain, low, high, is_used, reason)


def _obstacle(treated: int, control: int, fewest: int, control_share: float) -> str | None:
    if min(treated, control) < fewest:
        return (
            f"{treated:,} treated and {control:,} control customers have outcomes, "
            f"{fewest:,} of each are the least"
        )

    p_value = mismatch(treated, control, control_share=control_share)
    if p_value is None or p_value < MISMATCH_P_VALUE:
        return "treated and control are not as many as the spec's control share draws"

    return None


def held_out_uplift(customers: Randomised, features: np.ndarray, *, threads: int) -> np.ndarray:
    """Uplift of each customer by a forest fitted on other customers, (rows,): what a contact adds
    to P(stays).
    """
    from sklearn.model_selection import GroupKFold

    uplift = np.empty(len(customers))
    # By customer: someone who was on several lists must not be in the fit and in the judgement.
    folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED)
    customer_ids = customers.customer_id.astype(str)
    for fitted, held_out in folds.split(features, groups=customer_ids):
        forest = fit_uplift(customers.take(fitted), features[fitted], threads=threads)
        probability = customers.churn_probability[held_out]
        uplift[held_out] = predict_uplift(forest, features[held_out], probability)

    return uplift


@dataclass(frozen=True)
class UpliftForest:
    """A fitted forest, and the medians that replace missing values."""

    forest: "ForestDRLearner"
    medians: np.ndarray


def fit_uplift(customers: Randomised, features: np.ndarray, *, threads: int) -> UpliftForest:
    """A doubly robust causal forest (Athey, Tibshirani & Wager 2019; Kennedy 2023) on drawn
    customers.

    The probability of treatment is what was drawn, so it is not modelled. Gradient boosting
    regresses the outcome.
    """
    from econml.dr import ForestDRLearner
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier

    medians = np.nan_to_num(
        np.nanmedian(np.column_stack([features, customers.churn_probability]), axis=0)
    )
    forest = ForestDRLearner(
        # The share of treated is known from the draw; modelling it would only add noise.
        model_propensity=DummyClassifier(strategy="prior"),
        model_regression=HistGradientBoostingClassifier(
            max_iter=40,
            max_depth=3,
            learning_rate=0.1,
            min_samples_leaf=40,
            random_state=SEED,
        ),
        discrete_outcome=True,
        cv=2,
        n_estimators=100,
        min_samples_leaf=max(20, len(customers) // 100),
        max_depth=4,
        n_jobs=threads,
        random_state=SEED,
    )
    x = _filled(features, customers.churn_probability, medians)
    forest.fit((~customers.churned).astype(int), (~customers.is_control).astype(int), X=x)
    return UpliftForest(forest, medians)


def predict_uplift(
    fitted: UpliftForest, features: np.ndarray, churn_probability: np.ndarray
) -> np.ndarray:
    """What a contact adds to the probability of staying, (rows,)."""
    effect = fitted.forest.effect(_filled(features, churn_probability, fitted.medians))
    return np.asarray(effect, dtype=np.float64).ravel()


def _filled(features: np.ndarray, churn_probability: np.ndarray, medians: np.ndarray) -> np.ndarray:
    full = np.column_stack([features, churn_probability]).astype(np.float64)
    return np.where(np.isnan(full), medians, full)


def effects_eur(customers: Randomised, *, control_share: float) -> np.ndarray:
    """An unbiased, noisy estimate of what contacting each customer earned, EUR: inverse-propensity
    weighting.

    What the churn score expects of the customer uncontacted is taken off first. That was known
    before the draw, so the estimate stays unbiased and its spread falls (Robins, Rotnitzky & Zhao
    1994).
    """
    expected_eur = customers.value_eur * (1 - customers.churn_probability)
    surprise_eur = customers.net_eur - expected_eur
    if_control = -1 / control_share
    if_treated = 1 / (1 - control_share)
    return surprise_eur * np.where(customers.is_control, if_control, if_treated)


def chosen_within(
    score_eur: np.ndarray, customers: Randomised, share: float, *, only_positive: bool
) -> np.ndarray:
    """Who a ranking by score per euro chooses, best first, for that share of what contacting all
    would cost.
    """
    cost = customers.planned_cost_eur
    order = np.argsort(-score_eur / cost, kind="stable")
    budget = share * cost.sum() + 1e-9
    chosen = np.zeros(len(cost), dtype=bool)
    chosen[order] = np.cumsum(cost[order]) <= budget

    if only_positive:
        chosen &= score_eur > 0

    return chosen


def paired_interval(gains_eur: np.ndarray, customer_id: np.ndarray) -> tuple[float, float]:
    """Bootstrap interval of the mean gain; a customer drawn in several lists is
    resampled as one.
    """
    _, group = np.unique(customer_id.astype(str), return_inverse=True)
    sums = np.bincount(group, gains_eur)
    sizes = np.bincount(group)
    generator = np.random.default_rng(SEED)
    means = np.empty(REPLICATES)
    for replicate in range(REPLICATES):
        drawn = generator.integers(0, len(sums), len(sums))
        gained_eur = sums[drawn].sum()
        means[replicate] = gained_eur / sizes[drawn].sum()

    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
