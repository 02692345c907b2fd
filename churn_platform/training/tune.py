"""Chooses a candidate's parameters with Optuna, on training and validation rows; it is never given
the hold-out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import ALGORITHMS, Parameters
from churn_platform.training.training_data import Labelled

if TYPE_CHECKING:
    from optuna import Trial as OptunaTrial
    from optuna.trial import FrozenTrial

# Folds instead of pruning by boosting rounds: median pruning by fold works for every algorithm.
FOLDS = 4
STARTUP_TRIALS = 4
# On the simulated operator early stopping gave 297 rounds on 100,000 rows, 676 on 250,000 and 721
# on 500,000. Stopping after 297 leaves 1.2 % of the gain in log loss, after 676 0.04 %.
ROUNDS_ROWS_MAX = (
    500_000  # to find the number of rounds on; of more rows, more rounds hardly lower the loss
)


@dataclass(frozen=True)
class Budget:
    """Trials after the defaults', seconds after which no new one starts, and rows that a trial may
    use.
    """

    trials: int
    seconds: float
    rows: int


@dataclass(frozen=True)
class Trial:
    """One trial: its parameters, its mean log loss over the folds (of those it reached, where it
    was pruned).
    """

    number: int
    parameters: Parameters
    log_loss: float
    is_pruned: bool
    begun_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Tuning:
    """What the trials are made on: where to fit, where to score, and how."""

    algorithm: str
    features: tuple[Feature, ...]
    folds: tuple[tuple[Labelled, Labelled], ...]
    seed: int
    threads: int


def choose_parameters(
    algorithm: str,
    features: Sequence[Feature],
    train: Labelled,
    scored: Labelled,
    *,
    budget: Budget,
    seed: int,
    threads: int,
    on_trial: Callable[[Trial], None] = lambda trial: None,
) -> Parameters:
    """All parameters of a fit on `train`, the number of boosting rounds included.

    `scored` is where trials are scored: the validation month, or, where there is one month only,
    `train` itself. Either way a trial is fitted on three quarters of the customers and scored on
    the others, four times over; its value is the mean log loss, a proper score. The first trials
    are the algorithm's defaults; the others TPE draws. One that is worse than the median of those
    before it, fold by fold, is pruned. A budget of 0 trials gives the best of the defaults; where
    there is one set of them and no rounds to find, nothing is fitted.

    Where trials used a sample of `train`, the number of rounds is found again on up to
    ROUNDS_ROWS_MAX of its rows.
    """
    module = ALGORITHMS[algorithm]
    rounds, defaults = module.rounds, module.DEFAULTS
    if rounds is None and len(defaults) == 1 and not budget.trials:
        return dict(defaults[0])

    sample = at_most(budget.rows, train, seed=seed)
    judged = sample if scored is train else at_most(budget.rows, scored, seed=seed)
    folds = customer_folds(sample, judged, seed=seed)
    tuning = Tuning(algorithm, tuple(features), folds, seed, threads)
    chosen = _search(tuning, budget, on_trial)
    if rounds and len(sample) < len(train) and scored is not train:
        fitted_most = at_most(ROUNDS_ROWS_MAX, train, seed=seed)
        scored_most = at_most(ROUNDS_ROWS_MAX, scored, seed=seed)
        most = ((fitted_most, scored_most),)
        on_most = Tuning(algorithm, tuple(features), most, seed, threads)
        _, found = evaluate(on_most, chosen, 0)
        chosen.update(found)

    return chosen


def _search(
    tuning: Tuning, budget: Budget, on_trial: Callable[[Trial], None]
) -> dict[str, int | float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(
            seed=tuning.seed,
            n_startup_trials=STARTUP_TRIALS,
            multivariate=True,
            constant_liar=False,
        ),
        # From the second trial on: the defaults race each other on the same folds, and most tables
        # tell large trees from small ones on the first.
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    # The defaults are first, so a small budget cannot make a candidate worse in its own eyes.
    defaults = ALGORITHMS[tuning.algorithm].DEFAULTS
    for parameters in defaults:
        study.enqueue_trial(dict(parameters))

    study.optimize(
        lambda trial: _objective(tuning, trial),
        n_trials=len(defaults) + budget.trials,
        # The trials bound the budget, the seconds are a safety net. If they cut it short, the
        # choice depends on the machine, so the chosen parameters are recorded and not searched for
        # again.
        timeout=budget.seconds,
        callbacks=[lambda _, finished: on_trial(_told(finished))],
    )
    return _parameters(study.best_trial)


def _objective(tuning: Tuning, trial: "OptunaTrial") -> float:
    from optuna import TrialPruned

    parameters = ALGORITHMS[tuning.algorithm].suggest(trial)
    losses, found = [], []
    for fold in range(len(tuning.folds)):
        loss, rounds = evaluate(tuning, parameters, fold)
        losses.append(loss)
        found.append(rounds)
        trial.report(float(np.mean(losses)), fold)
        means = {}
        for name in rounds:
            mean = np.mean([one[name] for one in found])
            means[name] = round(float(mean))

        trial.set_user_attr("rounds", means)
        if fold + 1 < len(tuning.folds) and trial.should_prune():
            raise TrialPruned

    return float(np.mean(losses))


def evaluate(tuning: Tuning, parameters: Parameters, fold: int) -> tuple[float, Parameters]:
    """Log loss of the parameters on a fold's scored rows, and the rounds after which boosting
    stopped there.
    """
    from sklearn.metrics import log_loss

    algorithm = ALGORITHMS[tuning.algorithm]
    train, scored = tuning.folds[fold]
    estimator = algorithm.fit(
        tuning.features,
        train,
        parameters,
        seed=tuning.seed,
        threads=tuning.threads,
        stop_on=scored,
    )
    probability = estimator.predict_proba(scored.features)[:, 1]
    found = algorithm.rounds(estimator) if algorithm.rounds else {}
    # Log loss is a proper score, and less noisy on few churners than AUC or average precision.
    loss = log_loss(scored.churned, probability, labels=[0, 1])
    return float(loss), found


def customer_folds(
    train: Labelled, scored: Labelled, *, seed: int
) -> tuple[tuple[Labelled, Labelled], ...]:
    """Pairs of rows to fit on and to score: the scored customers of a pair are a quarter, and it is
    not fitted on them.

    A customer is in one quarter in all months.
    """
    train_ids = train.customer_ids.astype(str)
    scored_ids = scored.customer_ids.astype(str)
    everyone = np.unique(np.concatenate([train_ids, scored_ids]))
    generator = np.random.default_rng(seed)
    # By customer, not by row: one customer has a row each month, and would be on both sides.
    fold_of = generator.permutation(len(everyone)) % FOLDS
    fitted = fold_of[np.searchsorted(everyone, train_ids)]
    judged = fold_of[np.searchsorted(everyone, scored_ids)]

    folds = []
    for fold in range(FOLDS):
        others = train.take(fitted != fold)
        quarter = scored.take(judged == fold)
        folds.append((others, quarter))

    return tuple(folds)


def at_most(rows: int, part: Labelled, *, seed: int) -> Labelled:
    """The part, or a random sample of its rows, in their order, where it has more than `rows`."""
    if len(part) <= rows:
        return part
    return part.take(np.sort(np.random.default_rng(seed).choice(len(part), rows, replace=False)))


def _parameters(trial: Any) -> dict[str, int | float]:
    return trial.params | trial.user_attrs.get("rounds", {})


def _told(trial: "FrozenTrial") -> Trial:
    from optuna.trial import TrialState

    reached = trial.intermediate_values[max(trial.intermediate_values)]
    assert trial.datetime_start is not None and trial.datetime_complete is not None, (
        "it is finished"
    )
    return Trial(
        number=trial.number,
        parameters=_parameters(trial),
        log_loss=reached,
        is_pruned=trial.state == TrialState.PRUNED,
        begun_at=trial.datetime_start,
        ended_at=trial.datetime_complete,
    )
