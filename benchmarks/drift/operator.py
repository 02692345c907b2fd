"""One operator over time: trainings, scores and evidence, computed once and shared by every rule that needs them.

At step M the month M has landed: its features, and the outcomes of the month before. A rule may then ask for a
training. Every training is promoted, so rules differ only in when they train.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import lightgbm
import numpy as np

from benchmarks.drift.world import Snapshot
from churn_platform.monitoring.decision import Evidence
from churn_platform.monitoring.drift import (
    Reference,
    feature_drift,
    make_reference,
    make_score_reference,
    prediction_drift,
    table_drift,
)
from churn_platform.monitoring.promise import Habit, compare, learn_habit
from churn_platform.portfolios.spec import Feature
from churn_platform.training.model import Calibration, log_odds

TRAINING_MONTHS = 12
HALF_LIFE_MONTHS = 3.0  # so that a training after a change learns from what little there is of the new world
STAYERS_KEPT = 0.12  # all churners are kept; stayers weigh more instead
REFERENCE_ROWS, CURRENT_ROWS, EXPLAINED_ROWS = 1_600, 4_000, 300  # the reference's are a month's
SAMPLE_STEP = 4  # of the reference's rows, those that tests by sample compare with
HELD_OUT, NEWEST = 0.25, 4  # share of customers; months whose held-out rows show how a model keeps its promise
GAIN_EUR, CONTACT_EUR = 180 * 0.4, 35.0  # economics of telecomit: what an accepted offer saves, what a contact costs


@dataclass(frozen=True)
class Model:
    """A fitted booster with its calibration, importances, and the rows it was fitted on as reference."""

    booster: lightgbm.Booster
    calibration: Calibration
    importances: dict[str, float]
    reference: Reference
    scores: Reference
    habit: Habit
    sample: np.ndarray


class Operator:
    """Months of one operator, with models by the step at which they were trained."""

    def __init__(self, months: Sequence[Snapshot], catalogue: Sequence[Feature], *, seed: int):
        """Nothing is computed before it is asked for."""
        self.months, self.catalogue, self.seed = months, catalogue, seed
        self.model = lru_cache(maxsize=None)(self._train)
        self.scores = lru_cache(maxsize=None)(self._score)
        self.evidence = lru_cache(maxsize=None)(self._evidence)

    def _train(self, step: int) -> Model:
        """The model of the labels that have matured by `step`; a quarter of the customers is held out of the fit."""
        rng = np.random.default_rng([self.seed, step])
        months = range(max(0, step - TRAINING_MONTHS), step)
        held_out = {month: rng.random(len(self.months[month].churned)) < HELD_OUT for month in months}
        fitted = [self._labelled(rng, month, ~held_out[month], step) for month in months]
        judged = [self._labelled(rng, month, held_out[month], step) for month in months]
        booster = _fit(*_stacked(fitted), seed=self.seed)
        calibration = _calibration(booster, *_stacked(judged))
        samples = [self._sample(month, REFERENCE_ROWS) for month in months]
        names = [feature.name for feature in self.catalogue]
        contributions = booster.predict(samples[-1][:EXPLAINED_ROWS], pred_contrib=True, num_threads=1)[:, :-1]
        expected = [_probability(booster, calibration, rows).mean() for rows in samples]
        outcomes = [self.months[month].churned for month in months]
        totals = [(int(seen.sum()), mean * len(seen)) for seen, mean in zip(outcomes, expected, strict=True)]
        newest = {month: _probability(booster, calibration, self._held(month, held_out)) for month in months[-NEWEST:]}
        churned = np.concatenate([self.months[month].churned[held_out[month]] for month in newest])
        return Model(
            booster,
            calibration,
            dict(zip(names, np.abs(contributions).mean(axis=0).tolist(), strict=True)),
            make_reference(samples, self.catalogue),
            make_score_reference(list(newest.values())),
            learn_habit(churned, np.concatenate(list(newest.values())), totals),
            np.vstack(samples)[::SAMPLE_STEP],
        )

    def _labelled(self, rng: np.random.Generator, month: int, allowed: np.ndarray, step: int):
        """Features, outcomes and weights of a month: every churner, some of those who stayed, newer months more."""
        churned = self.months[month].churned
        rows = np.flatnonzero(allowed & ((churned == 1) | (rng.random(len(churned)) < STAYERS_KEPT)))
        weight = np.where(churned[rows] == 1, 1.0, 1 / STAYERS_KEPT) * 0.5 ** ((step - 1 - month) / HALF_LIFE_MONTHS)
        return self.months[month].features[rows], churned[rows], weight

    def _held(self, month: int, held_out: dict[int, np.ndarray]) -> np.ndarray:
        return self.months[month].features[held_out[month]]

    def _sample(self, month: int, rows: int) -> np.ndarray:
        features = self.months[month].features
        return features[:: max(1, len(features) // rows)]

    def _score(self, step: int, month: int) -> np.ndarray:
        model = self.model(step)
        return _probability(model.booster, model.calibration, self.months[month].features)

    def current(self, month: int) -> np.ndarray:
        """The sample of a month's features that drift is measured on."""
        return self._sample(month, CURRENT_ROWS)

    def _evidence(self, champion: int, step: int) -> Evidence:
        """What monitoring says at `step` of the model trained at step `champion`."""
        model, before, now = self.model(champion), self.months[step - 1], self.months[step]
        outcome = compare(before.churned, self.scores(champion, step - 1), habit=model.habit)
        table = table_drift(feature_drift(model.reference, self.current(step), self.catalogue, model.importances))
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
        """Expected profit per customer of contacting all whom the champion expects to pay, by true probabilities."""
        chosen = self.scores(champion, step) * GAIN_EUR >= CONTACT_EUR
        return float((self.months[step].probability[chosen] * GAIN_EUR - CONTACT_EUR).sum() / len(chosen))

    @cached_property
    def broken(self) -> set[int]:
        """Steps whose data contract fails: records or amounts beyond half or twice those of the month before."""
        found = set()
        for step in range(1, len(self.months)):
            before, now = self.months[step - 1], self.months[step]
            ratios = (now.records / before.records, now.amount_eur / before.amount_eur)
            if step - 1 not in found and any(not 0.5 < ratio < 2 for ratio in ratios):
                found.add(step)
        return found


def _fit(features: np.ndarray, churned: np.ndarray, weight: np.ndarray, *, seed: int) -> lightgbm.Booster:
    settings = {"objective": "binary", "num_leaves": 8, "learning_rate": 0.18, "min_data_in_leaf": 40, "verbose": -1}
    settings |= {"num_threads": 1, "seed": seed, "deterministic": True, "feature_fraction": 0.7, "lambda_l2": 5.0}
    return lightgbm.train(settings, lightgbm.Dataset(features, churned, weight=weight), num_boost_round=45)


def _stacked(parts: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _calibration(
    booster: lightgbm.Booster, features: np.ndarray, churned: np.ndarray, weight: np.ndarray
) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    raw = log_odds(booster.predict(features, num_threads=1)).reshape(-1, 1)
    fitted = LogisticRegression(C=1e6).fit(raw, churned, sample_weight=weight)
    return Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def _probability(booster: lightgbm.Booster, calibration: Calibration, features: np.ndarray) -> np.ndarray:
    return calibration(booster.predict(features, num_threads=1))
