"""The platform's training recipe in small: months by age train, validate and judge, newer ones
weigh more.
"""

from collections.abc import Sequence
from functools import cached_property

import lightgbm
import numpy as np

from benchmarks.drift.world import FEATURES, Snapshot, catalogue, telecomit
from churn_platform.monitoring.drift import Reference, make_reference, make_score_reference
from churn_platform.monitoring.expected_performance import Habit, learn_habit
from churn_platform.training.model import fit_calibration
from churn_platform.training.splits import (
    HOLDOUT,
    TRAIN,
    VALIDATION,
    LabelledMonth,
    assign_months,
    recency_weights,
)

STAYERS_KEPT = 0.12  # all churners are kept; stayers weigh more instead
REFERENCE_ROWS, EXPLAINED_ROWS = 1_000, 200  # the reference's are a month's
SAMPLE_STEP = 3  # of the reference's rows, those that tests by sample compare with
SETTINGS = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.18,
    "min_data_in_leaf": 40,
    "verbose": -1,
}
SETTINGS |= {
    "num_threads": 1,
    "deterministic": True,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "max_bin": 63,
}
ROUNDS = 45


class Model:
    """A fitted and calibrated booster, and what monitoring compares a month with; computed when it
    is asked for.
    """

    def __init__(
        self, fitted: Sequence[Snapshot], unseen: Sequence[Snapshot], booster: lightgbm.Booster
    ):
        """`unseen` are the month that validated and the hold-out; the first of them calibrates."""
        self.fitted, self.unseen, self.booster = fitted, unseen, booster
        raw = [self._raw(month.features) for month in unseen]
        self.calibration = fit_calibration(raw[0], unseen[0].churned)
        self.known = {
            month.month: self.calibration(own) for month, own in zip(unseen, raw, strict=True)
        }

    def probability(self, month: Snapshot) -> np.ndarray:
        """Calibrated probabilities of a month's customers (rows,)."""
        known = self.known.get(month.month)
        return self.calibration(self._raw(month.features)) if known is None else known

    @cached_property
    def samples(self) -> list[np.ndarray]:
        """Some rows of each month that it was fitted on."""
        return [sample(month, REFERENCE_ROWS) for month in self.fitted]

    @cached_property
    def tested(self) -> np.ndarray:
        """The rows that tests by sample compare a month with."""
        return np.vstack(self.samples)[::SAMPLE_STEP]

    @cached_property
    def reference(self) -> Reference:
        """Histograms of the features that it was fitted on."""
        return make_reference(self.samples, catalogue())

    @cached_property
    def scores(self) -> Reference:
        """Histograms of its scores where it was not fitted."""
        return make_score_reference(list(self.known.values()))

    @cached_property
    def importances(self) -> dict[str, float]:
        """Mean |contribution| of each feature."""
        rows = self.samples[-1][:EXPLAINED_ROWS]
        contributions = self.booster.predict(rows, pred_contrib=True, num_threads=1)[:, :-1]
        return dict(zip(FEATURES, np.abs(contributions).mean(axis=0).tolist(), strict=True))

    @cached_property
    def habit(self) -> Habit:
        """How it kept its promise where it was not fitted, and the churners of each month that it
        was fitted on.
        """
        expected = [self.calibration(self._raw(rows)).mean() for rows in self.samples]
        totals = [
            (int(month.churned.sum()), mean * len(month.churned))
            for month, mean in zip(self.fitted, expected, strict=True)
        ]
        outcomes = np.concatenate([month.churned for month in self.unseen])
        return learn_habit(outcomes, np.concatenate(list(self.known.values())), totals)

    def _raw(self, features: np.ndarray) -> np.ndarray:
        return self.booster.predict(features, num_threads=1)


def train(matured: Sequence[Snapshot], *, seed: int) -> Model:
    """The model of the months whose labels have matured, split and weighted as
    churn_platform/training does.
    """
    labelled = [
        LabelledMonth(month.month, len(month.churned), int(month.churned.sum()))
        for month in matured
    ]
    splits = assign_months(labelled, telecomit().split)
    fitted = [month for month in matured if splits.get(month.month) == TRAIN]
    unseen = [month for month in matured if splits.get(month.month) in (VALIDATION, HOLDOUT)]
    return Model(fitted, unseen, _fit(fitted, seed=seed))


def sample(month: Snapshot, rows: int) -> np.ndarray:
    """About so many rows of a month's features, evenly spread."""
    return month.features[:: max(1, len(month.features) // rows)]


def _fit(months: Sequence[Snapshot], *, seed: int) -> lightgbm.Booster:
    rng = np.random.default_rng([seed, months[-1].month.toordinal()])
    recency = recency_weights(
        {month.month: len(month.churned) for month in months}, telecomit().split
    )
    parts = [_rows(rng, month, recency[month.month]) for month in months]
    features, churned, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    dataset = lightgbm.Dataset(features, churned, weight=weight)
    return lightgbm.train(SETTINGS | {"seed": seed}, dataset, num_boost_round=ROUNDS)


def _rows(
    rng: np.random.Generator, month: Snapshot, recency: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, outcomes and weights of a month: every churner, some of those who stayed."""
    churned = month.churned
    rows = np.flatnonzero((churned == 1) | (rng.random(len(churned)) < STAYERS_KEPT))
    return (
        month.features[rows],
        churned[rows],
        recency * np.where(churned[rows] == 1, 1.0, 1 / STAYERS_KEPT),
    )
