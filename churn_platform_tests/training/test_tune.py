"""Tuning: repeatable, inside its budget, on rows that a trial was not fitted on."""

import numpy as np
import pytest
from scipy.special import expit

from churn_platform.portfolios.spec import Feature
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.splits import scored_rows
from churn_platform.training.training_data import Labelled
from churn_platform.training.trials import as_line
from churn_platform.training.tune import Budget, at_most, choose_parameters, customer_folds
from churn_platform_tests.support.tiny import TINY, customers

TRAIN, VALIDATION = customers(600, seed=1), customers(300, seed=2)


def tuned(algorithm="xgboost", train=TRAIN, scored=VALIDATION, *, budget, trials=None, seed=7):
    """The parameters chosen; finished trials are added to `trials`."""
    on_trial = [].append if trials is None else trials.append
    return choose_parameters(
        algorithm,
        TINY.features,
        train,
        scored,
        budget=budget,
        seed=seed,
        threads=1,
        on_trial=on_trial,
    )


@pytest.mark.parametrize("algorithm", TINY.candidates)
def test_without_trials_the_best_defaults_are_chosen(algorithm):
    """A budget of no trials gives one of the defaults, and trials find which, and the number of
    rounds where there are any.
    """
    trials = []
    chosen = tuned(algorithm, budget=Budget(0, 60, 10_000), trials=trials)
    defaults = ALGORITHMS[algorithm].DEFAULTS
    assert {name: chosen[name] for name in defaults[0]} in defaults
    boosts = algorithm in ("xgboost", "lightgbm")
    assert set(chosen) - set(defaults[0]) == ({"n_estimators"} if boosts else set())
    assert len(trials) == (len(defaults) if boosts else 0)


@pytest.mark.parametrize("algorithm", ["lightgbm", "xgboost"])
def test_combinations_get_large_trees_and_sums_small_ones(algorithm):
    """Where churn depends on combinations of four signs, each in three columns, the largest default
    trees are chosen; where each sign adds its own part, smaller ones.
    """
    generator = np.random.default_rng(3)
    signs = generator.integers(0, 2, size=(3_000, 4)).astype(np.float32)
    columns = np.tile(signs, 3)
    ids = np.array([f"T{row}" for row in range(len(signs))])
    numbers = tuple(
        Feature(name=f"x{place}", type="number", group="x", description="x", reason="x")
        for place in range(columns.shape[1])
    )
    drawn = generator.uniform(size=len(signs))
    sums = (drawn < expit(signs.sum(axis=1) - 3)).astype(np.int8)
    combined = np.where(drawn < 0.02, 1, signs.sum(axis=1) % 2).astype(np.int8)
    sizes = []
    for churned in (sums, combined):
        train = Labelled(columns, churned, ids)
        chosen = choose_parameters(
            algorithm, numbers, train, train, budget=Budget(0, 60, 10_000), seed=1, threads=1
        )
        sizes.append(chosen["num_leaves" if algorithm == "lightgbm" else "max_depth"])
    assert (
        sizes[0]
        < sizes[1]
        == max(
            parameters.get("num_leaves", parameters.get("max_depth"))
            for parameters in ALGORITHMS[algorithm].DEFAULTS
        )
    )


def test_the_seed_decides_the_choice():
    """The same seed tries the same parameters with the same results; another one others."""
    runs = []
    for seed in (7, 7, 8):
        trials = []
        chosen = tuned(
            "logistic_regression", budget=Budget(4, 60, 10_000), trials=trials, seed=seed
        )
        runs.append((chosen, [(trial.parameters, trial.log_loss) for trial in trials]))
    assert runs[0] == runs[1]
    assert runs[0][1][1:] != runs[2][1][1:]


def test_the_best_trial_is_chosen():
    """Of all trials that ran to the end, the one with the lowest log loss."""
    trials = []
    chosen = tuned("logistic_regression", budget=Budget(6, 60, 10_000), trials=trials)
    finished = [trial for trial in trials if not trial.is_pruned]
    assert len(trials) == 7
    assert chosen == min(finished, key=lambda trial: trial.log_loss).parameters


def test_hopeless_trials_are_pruned():
    """A trial that is worse than half of those before it is stopped, and says so."""
    trials = []
    tuned("random_forest", customers(400, seed=1), budget=Budget(12, 120, 200), trials=trials)
    pruned = [trial for trial in trials if trial.is_pruned]
    assert pruned
    assert "pruned" in as_line(pruned[0])
    assert as_line(trials[0]).startswith("trial 0: log loss 0.")


def test_no_trial_starts_once_time_is_up():
    """After the seconds of the budget no trial begins; the defaults are always tried."""
    trials = []
    tuned("logistic_regression", budget=Budget(1_000, 0.001, 10_000), trials=trials)
    assert len(trials) == 1


def test_who_is_scored_was_not_fitted_on():
    """Customers fall into four quarters, whatever their month; each quarter is scored by a fit on
    the others.
    """
    months = Labelled(
        *(
            np.concatenate([part, part])
            for part in (TRAIN.features, TRAIN.churned, TRAIN.customer_ids)
        )
    )
    folds = customer_folds(months, TRAIN, seed=1)
    assert len(folds) == 4
    for fitted, scored in folds:
        assert not set(fitted.customer_ids) & set(scored.customer_ids)
        assert (len(fitted), len(scored)) == (900, 150)
    everyone = np.concatenate([scored.customer_ids for _, scored in folds])
    assert sorted(everyone) == sorted(TRAIN.customer_ids)


def test_a_month_scores_where_there_are_months():
    """Out of time, trials are scored on the validation month; of one snapshot, on the training rows
    themselves.
    """
    out_of_time, stratified = TINY.split, TINY.split.model_copy(update={"policy": "stratified"})
    assert scored_rows(TRAIN, VALIDATION, out_of_time) is VALIDATION
    assert scored_rows(TRAIN, VALIDATION, stratified) is TRAIN


def test_a_sample_keeps_order_and_size():
    """At most so many rows, in their order, the same ones for the same seed; fewer are left as they
    are.
    """
    sample = at_most(100, TRAIN, seed=3)
    places = [int(customer[1:]) for customer in sample.customer_ids]
    assert len(sample) == 100
    assert places == sorted(places)
    assert at_most(100, TRAIN, seed=3).customer_ids.tolist() == sample.customer_ids.tolist()
    assert at_most(600, TRAIN, seed=3) is TRAIN


def test_rounds_suit_all_rows_where_trials_used_a_sample():
    """After tuning on a sample, the number of rounds is the one that suits all training rows."""
    everyone, sample = customers(4_000, seed=1), Budget(0, 60, 400)
    few = tuned(train=at_most(400, everyone, seed=7), budget=sample)["n_estimators"]
    assert tuned(train=everyone, budget=sample)["n_estimators"] > few
