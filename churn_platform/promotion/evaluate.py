"""Judges a challenger against the champion on one set of newest matured customers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from churn_platform.metrics.comparison import Difference, auc_difference
from churn_platform.metrics.fairness import FairnessGap
from churn_platform.metrics.intervals import Interval, metric_intervals
from churn_platform.metrics.metrics import ReliabilityBin, measure, reliability
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.export_check import ExportCheck, check_export
from churn_platform.promotion.rules import PromotionDecision, Standing, decide, degenerate
from churn_platform.training.model import ChurnModel
from churn_platform.training.training_data import Labelled

Fairness = Callable[[np.ndarray, float], FairnessGap | None]


@dataclass(frozen=True)
class Contender:
    """A version that takes part in an evaluation, with the threshold it serves at.

    `known` marks the customers whose outcomes it was fitted on, (rows,) booleans; None: it cannot
    be told. `features` are those of the customers in the model's own order and encoding; None: they
    are as the portfolio has them today.
    """

    version: int
    model: ChurnModel
    threshold: float
    barred: str | None = None
    known: np.ndarray | None = None
    features: np.ndarray | None = None


@dataclass(frozen=True)
class JudgedVersion:
    """A contender as it was found to be."""

    version: int
    threshold: float
    standing: Standing
    intervals: dict[str, Interval]
    reliability: tuple[ReliabilityBin, ...]
    export: ExportCheck
    known_customers: int
    probability: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """The decision with everything it rests on; `champion` is None if there was no other
    champion.
    """

    month: date
    challenger: JudgedVersion
    champion: JudgedVersion | None
    compared_customers: int
    decision: PromotionDecision


def judge(
    portfolio: Portfolio,
    month: date,
    challenger: Contender,
    champion: Contender | None,
    customers: Labelled,
    *,
    replicates: int,
    fairness: Fairness | None = None,
) -> Evaluation:
    """Both contenders on the same customers; without a champion the challenger is held against the
    gates alone.

    `fairness` gives the worst gap for probabilities (rows,) of the same customers and a threshold.
    Customers whose outcomes the champion was fitted on are left out of the comparison, as far as
    others remain: it knows the answers.
    """
    challenging = _judged(challenger, customers, portfolio, fairness)
    serving = _judged(champion, customers, portfolio, fairness) if champion else None
    rows = _fair_rows(customers, champion)
    difference = _difference(
        challenging,
        serving,
        customers,
        rows,
        replicates,
        portfolio.split.seed,
    )
    return Evaluation(
        month=month,
        challenger=challenging,
        champion=serving,
        compared_customers=int(rows.sum()) if difference else 0,
        decision=decide(
            challenging.standing,
            serving.standing if serving else None,
            difference,
            portfolio.gates,
            approval=portfolio.approval,
        ),
    )


def _judged(
    contender: Contender, customers: Labelled, portfolio: Portfolio, fairness: Fairness | None
) -> JudgedVersion:
    features = contender.features
    if features is None:
        features = contender.model.own(customers.features, portfolio.feature_names)

    threshold = contender.threshold
    probability = contender.model.churn_probability(features)
    export = check_export(contender.model, features)
    fault = degenerate(probability)

    metrics = gap = None
    intervals: dict[str, Interval] = {}
    curve: tuple[ReliabilityBin, ...] = ()
    if not fault:
        churned = customers.churned
        options: dict[str, Any] = {"threshold": threshold, "economics": portfolio.economics}
        metrics = measure(churned, probability, **options)
        seed = portfolio.split.seed
        intervals = metric_intervals(churned, probability, metrics, seed=seed, **options)
        curve = reliability(churned, probability)
        gap = fairness(probability, threshold) if fairness else None

    return JudgedVersion(
        version=contender.version,
        threshold=threshold,
        standing=Standing(
            metrics=metrics,
            degenerate=fault,
            # A model that cannot be exported cannot serve, so its metrics do not matter.
            barred=contender.barred or export.failure,
            latency_ms=export.latency_ms,
            fairness=gap,
        ),
        intervals=intervals,
        reliability=curve,
        export=export,
        known_customers=0 if contender.known is None else int(contender.known.sum()),
        probability=probability,
    )


def _fair_rows(customers: Labelled, champion: Contender | None) -> np.ndarray:
    """The customers to compare on: those new to the champion, or all where among them one outcome
    is missing.
    """
    everyone = np.ones(len(customers), dtype=bool)
    if champion is None or champion.known is None:
        return everyone

    new = ~champion.known
    outcomes = set(np.unique(customers.churned[new]))
    # AUC needs both outcomes; with one only, comparing on all customers favours the champion, which
    # is the careful side.
    return new if outcomes == {0, 1} else everyone


def _difference(
    challenger: JudgedVersion,
    champion: JudgedVersion | None,
    customers: Labelled,
    rows: np.ndarray,
    replicates: int,
    seed: int,
) -> Difference | None:
    if champion is None:
        return None
    if not challenger.standing.metrics or not champion.standing.metrics:
        return None

    return auc_difference(
        customers.churned[rows],
        challenger.probability[rows],
        champion.probability[rows],
        replicates=replicates,
        seed=seed,
    )
