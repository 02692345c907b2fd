"""Cross-validation of the candidates on one month: an honest figure for a snapshot too small for one hold-out."""

from collections.abc import Iterator

import numpy as np

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.data import Labelled
from churn_platform.training.model import fit_model

FOLDS = 5
INNER_SHARE = 0.2


def cross_validated_auc(portfolio: Portfolio, algorithm: str, customers: Labelled, *, threads: int) -> np.ndarray:
    """AUC on each of 5 stratified folds, (5,).

    Nothing of a fold is seen before it is scored: early stopping and calibration use a fifth of the other folds.
    """
    from sklearn.metrics import roc_auc_score

    scores = []
    for train, validation, held_out in _folds(customers, portfolio.split.seed):
        model = fit_model(algorithm, portfolio.features, train, validation, seed=portfolio.split.seed, threads=threads)
        scores.append(roc_auc_score(held_out.churned, model.churn_probability(held_out.features)))
    return np.array(scores)


def _folds(customers: Labelled, seed: int) -> Iterator[tuple[Labelled, Labelled, Labelled]]:
    from sklearn.model_selection import StratifiedKFold, train_test_split

    outer = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    for fitted, held_out in outer.split(customers.features, customers.churned):
        train, validation = train_test_split(
            fitted, test_size=INNER_SHARE, stratify=customers.churned[fitted], random_state=seed
        )
        yield customers.take(train), customers.take(validation), customers.take(held_out)
