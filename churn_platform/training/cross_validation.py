"""Cross-validation of the candidates on one month: an honest figure for a snapshot too small for
one hold-out.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.candidates import ALGORITHMS, Parameters
from churn_platform.training.training_data import Labelled
from churn_platform.training.tune import Budget, choose_parameters

FOLDS = 5
VALIDATION_FOLDS = 4
CHAMPION = "champion"
CONFIDENCE = 0.95


def cross_validated_aucs(
    portfolio: Portfolio,
    customers: Labelled,
    *,
    budget: Budget,
    threads: int,
    seed: int | None = None,
) -> dict[str, np.ndarray]:
    """AUC of each candidate on each of 5 stratified folds, (5,), and of the CHAMPION: the candidate
    chosen without the fold. The folds are those of the portfolio's seed, or of another.

    Nested: tuning, and the choice between candidates, see the other four folds only, so nothing of
    a fold is seen before it is scored. Nothing is resampled. Calibration, which moves no AUC, is
    left out, and so needs no rows of its own.
    """
    fold_seed = portfolio.split.seed if seed is None else seed
    scores: dict[str, list[float]] = {}
    for train, held_out in stratified_folds(customers, FOLDS, fold_seed):
        # As in training, the candidates are compared on rows that none of them was fitted on.
        fitted, validation = next(stratified_folds(train, VALIDATION_FOLDS, fold_seed))
        reached: dict[str, float] = {}
        on_validation: dict[str, float] = {}
        for algorithm in portfolio.candidates:
            # Tuned again in each fold: parameters chosen on all rows would have seen the
            # held-out ones.
            parameters = choose_parameters(
                algorithm,
                portfolio.features,
                train,
                train,
                budget=budget,
                seed=fold_seed,
                threads=threads,
            )
            auc = partial(_auc, portfolio, algorithm, parameters, seed=fold_seed, threads=threads)
            reached[algorithm] = auc(train, held_out)
            on_validation[algorithm] = auc(fitted, validation)

        chosen = max(on_validation, key=on_validation.__getitem__)
        reached[CHAMPION] = reached[chosen]
        for name, value in reached.items():
            scores.setdefault(name, []).append(value)

    return {name: np.array(values) for name, values in scores.items()}


def _auc(
    portfolio: Portfolio,
    algorithm: str,
    parameters: Parameters,
    train: Labelled,
    scored: Labelled,
    *,
    seed: int,
    threads: int,
) -> float:
    """AUC on `scored` of a fit on `train`."""
    from sklearn.metrics import roc_auc_score

    model = ALGORITHMS[algorithm].fit(
        portfolio.features,
        train,
        parameters,
        seed=seed,
        threads=threads,
    )
    probability = model.predict_proba(scored.features)[:, 1]
    return float(roc_auc_score(scored.churned, probability))


def mean_interval(scores: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over the folds, by the corrected resampled t-test (Nadeau & Bengio
    2003).
    """
    # Folds share most of their training rows, so their scores vary less than those of independent
    # samples would. The variance of the mean is therefore taken as s2 x (1 / folds + rows scored /
    # rows fitted on).
    from scipy.stats import t

    folds = len(scores)
    mean = float(scores.mean())
    scored_per_fitted = 1 / (folds - 1)
    error = scores.std(ddof=1) * np.sqrt(1 / folds + scored_per_fitted)
    quantile = t.ppf((1 + CONFIDENCE) / 2, folds - 1)
    half = float(quantile * error)
    return mean - half, mean + half


def stratified_folds(
    customers: Labelled, count: int, seed: int
) -> Iterator[tuple[Labelled, Labelled]]:
    """Pairs of the rows to fit on and those held out, each with the churn rate of all."""
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(count, shuffle=True, random_state=seed)
    for train, held_out in folds.split(customers.features, customers.churned):
        yield customers.take(train), customers.take(held_out)
