"""One operator over time: trainings, scores and evidence, computed once and shared by every rule
that needs them.

At step M the month M has landed: its features, and the outcomes of the month before. A rule may
then ask for a training, whose model is promoted or refused.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from benchmarks.drift.recipe import Model, sample, train
from benchmarks.drift.world import Snapshot, catalogue, telecomit
from churn_platform.metrics.comparison import auc_difference
from churn_platform.monitoring.decision import Evidence
from churn_platform.monitoring.drift import feature_drift, prediction_drift, table_drift
from churn_platform.monitoring.expected_performance import compare

CURRENT_ROWS = 4_000
REPLICATES = 200
GAIN_EUR, CONTACT_EUR = (
    180 * 0.4,
    35.0,
)  # economics of telecomit: what an accepted offer saves, what a contact costs


class Operator:
    """Months of one operator, with models by the step at which they were trained."""

    def __init__(self, months: Sequence[Snapshot], *, seed: int):
        """Nothing is computed before it is asked for."""
        self.months, self.seed = months, seed
        self.model = lru_cache(maxsize=None)(self._train)
        self.scores = lru_cache(maxsize=None)(self._score)
        self.evidence = lru_cache(maxsize=None)(self._evidence)
        self.is_promoted = lru_cache(maxsize=None)(self._is_promoted)

    def _train(self, step: int) -> Model:
        """The model of the labels that have matured by `step`; months with a broken feed have no
        features to fit on.
        """
        matured = [
            month for number, month in enumerate(self.months[:step]) if number not in self.broken
        ]
        return train(matured, seed=self.seed)

    def _score(self, step: int, month: int) -> np.ndarray:
        return self.model(step).probability(self.months[month])

    def _is_promoted(self, step: int, champion: int) -> bool:
        """Whether the model trained at `step` is shown to be better than the champion on its
        hold-out.
        """
        holdout = self.model(step).unseen[-1]
        challenger, serving = (self.model(each).probability(holdout) for each in (step, champion))
        difference = auc_difference(
            holdout.churned, challenger, serving, replicates=REPLICATES, seed=self.seed
        )
        return difference.low > telecomit().gates.promotion_margin_auc

    def current(self, month: int) -> np.ndarray:
        """The sample of a month's features that drift is measured on."""
        return sample(self.months[month], CURRENT_ROWS)

    def _evidence(self, champion: int, step: int) -> Evidence:
        """What monitoring says at `step` of the model trained at step `champion`."""
        model, before, now = self.model(champion), self.months[step - 1], self.months[step]
        outcome = compare(before.churned, self.scores(champion, step - 1), habit=model.habit)
        table = table_drift(
            feature_drift(model.reference, self.current(step), catalogue(), model.importances)
        )
        distance, limit = prediction_drift(model.scores, self.scores(champion, step))
        return Evidence(
            month=now.month,
            features_month=before.month,
            auc_gap_low=outcome.auc_gap_low,
            churn_ratio_low=outcome.churn_ratio_low,
            churn_ratio_high=outcome.churn_ratio_high,
            prediction_drift=distance / limit,
            drifted_importance=table.drifted_importance,
        )

    def profit_eur(self, champion: int, step: int) -> float:
        """Expected profit per customer of contacting all whom the champion expects to pay, by true
        probabilities.
        """
        chosen = self.scores(champion, step) * GAIN_EUR >= CONTACT_EUR
        return float(
            (self.months[step].probability[chosen] * GAIN_EUR - CONTACT_EUR).sum() / len(chosen)
        )

    @cached_property
    def broken(self) -> set[int]:
        """Steps whose data contract fails: records or amounts beyond half or twice those of the
        month before.
        """
        found = set()
        for step in range(1, len(self.months)):
            before, now = self.months[step - 1], self.months[step]
            ratios = (now.records / before.records, now.amount_eur / before.amount_eur)
            if step - 1 not in found and any(not 0.5 < ratio < 2 for ratio in ratios):
                found.add(step)
        return found
