"""Cross-validation of the candidates on one month: an honest figure for a snapshot too small for
one hold-out.
"""

from collections.abc import Iterator

import numpy as np

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.training_data import Labelled
from churn_platform.training.tune import Budget, choose_parameters

FOLDS = 5
CONFIDENCE = 0.95


def cross_validated_auc(
    portfolio: Portfolio,
    algorithm: str,
    customers: Labelled,
    *,
    budget: Budget,
    threads: int,
    seed: int | None = None,
) -> np.ndarray:
    """AUC on each of 5 stratified folds, (5,). The folds are those of the portfolio's seed, or of
    another.

    Nested: tuning sees the other four folds only, so nothing of a fold is seen before it is scored.
    Nothing is resampled. Calibration, which moves no AUC, is left out, and so needs no rows of its
    own.
    """
    from sklearn.metrics import roc_auc_score

    fold_seed = portfolio.split.seed if seed is None else seed
    scores = []
    for train, held_out in _folds(customers, fold_seed):
        # Tuned again in each fold: parameters chosen on all rows would have seen the held-out ones.
        parameters = choose_parameters(
            algorithm,
            portfolio.features,
            train,
            train,
            budget=budget,
            seed=fold_seed,
            threads=threads,
        )
        model = ALGORITHMS[algorithm].fit(
            portfolio.features, train, parameters, seed=fold_seed, threads=threads
        )
        scores.append(roc_auc_score(held_out.churned, model.predict_proba(held_out.features)[:, 1]))
    return np.array(scores)


def mean_interval(scores: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over the folds, by the corrected resampled t-test (Nadeau & Bengio
    2003).

    Folds share most of their training rows, so their scores vary less than those of independent
    samples would. The variance of the mean is therefore taken as s2 x (1 / folds + rows scored /
    rows fitted on).
    """
    from scipy.stats import t

    folds = len(scores)
    mean = float(scores.mean())
    error = scores.std(ddof=1) * np.sqrt(1 / folds + 1 / (folds - 1))
    quantile = t.ppf((1 + CONFIDENCE) / 2, folds - 1)
    half = float(quantile * error)
    return mean - half, mean + half


def _folds(customers: Labelled, seed: int) -> Iterator[tuple[Labelled, Labelled]]:
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for train, held_out in folds.split(customers.features, customers.churned):
        yield customers.take(train), customers.take(held_out)
