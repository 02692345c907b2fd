"""How often a retrain that is no better gets promoted, and how often a truly better model does.

    python benchmarks/promotion.py
    python benchmarks/promotion.py --ibm ibm_telco.csv

In each repetition a world of customers is drawn: training rows, a fresh hold-out, and a population
on which the true AUC of each model can be computed, since each customer's true probability of
leaving is known. Champions and challengers are fitted there, and each rule decides on the hold-out.
Retrains that are no better are tried in every repetition, truly better challengers in half of them.
With --ibm the rows are those of the public file: the hold-out is a new random part each time, and
the truth unknown.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.proportion import proportion_confint

from churn_platform.markdown import table as markdown_table
from churn_platform.metrics.comparison import CONFIDENCE, resampled_differences

REPLICATES = 400
FEATURES = 18
ROWS, POPULATION = 5_000, 10_000

Rows = tuple[np.ndarray, np.ndarray]
Score = Callable[[np.ndarray], np.ndarray]

RULES: dict[str, Callable[[float, np.ndarray], bool]] = {
    "at least as good": lambda estimate, drawn: estimate >= 0,
    "better by 0.001": lambda estimate, drawn: estimate > 0.001,
} | {
    f"{level:g} % interval": lambda estimate, drawn, level=level: bool(
        np.quantile(drawn, (1 - level / 100) / 2) > 0
    )
    for level in (90.0, 95.0, 98.0, 99.0)
}


@dataclass(frozen=True)
class Fitted:
    """A model as its scores on the hold-out and its true AUC, where that can be known."""

    scores: np.ndarray
    true_auc: float | None


@dataclass(frozen=True)
class Trial:
    """What each rule decided on one case, and by how much the challenger is truly better; None
    where unknown.
    """

    case: str
    promoted: dict[str, bool]
    true_difference: float | None


class World:
    """Customers whose true probability of leaving follows from their features, some of them only
    together.
    """

    def __init__(self, generator: np.random.Generator):
        self.weights = generator.normal(0, 0.35, FEATURES)
        self.generator = generator

    def drifted(self, share: float) -> "World":
        """A world in which a share of what drives customers has become something else."""
        other = World(self.generator)
        other.weights = np.sqrt(1 - share) * self.weights + np.sqrt(share) * other.weights
        return other

    def features(self, rows: int) -> np.ndarray:
        """Customers, (rows, features)."""
        return self.generator.normal(size=(rows, FEATURES))

    def probability(self, features: np.ndarray) -> np.ndarray:
        """True probability of leaving, some tenth on average."""
        together = 0.5 * features[:, 0] * features[:, 1] + 0.5 * np.abs(features[:, 2])
        return expit(-3.1 + features @ self.weights + together)

    def rows(self, count: int) -> Rows:
        """Customers and what they did."""
        features = self.features(count)
        return features, (self.generator.uniform(size=count) < self.probability(features)).astype(
            np.int8
        )


def fit(algorithm: str, rows: Rows, seed: int, columns: np.ndarray | None = None) -> Score:
    """The algorithm fitted on the given columns; a bootstrap sample of the rows stands for a
    retrain's own rows.
    """
    features, churned = rows
    kept = np.arange(features.shape[1]) if columns is None else columns
    drawn = np.random.default_rng(seed).integers(0, len(churned), len(churned))
    if algorithm == "lightgbm":
        model = LGBMClassifier(
            n_estimators=40,
            learning_rate=0.1,
            num_leaves=8,
            subsample=0.8,
            subsample_freq=1,
            colsample_bytree=0.7,
            random_state=seed,
            n_jobs=1,
            verbose=-1,
        )
    else:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    model.fit(features[drawn][:, kept], churned[drawn])
    return lambda others: model.predict_proba(others[:, kept])[:, 1]


@dataclass(frozen=True)
class Arena:
    """Where models are fitted and decided on; `others` and `old` are further training rows, where
    there are any.
    """

    rows: Rows
    holdout: Rows
    population: tuple[np.ndarray, np.ndarray] | None = None
    others: Rows | None = None
    old: dict[str, Rows] = field(default_factory=dict)

    def fitted(
        self, algorithm: str, rows: Rows, seed: int, columns: np.ndarray | None = None
    ) -> Fitted:
        """A model with its scores on the hold-out and its true AUC."""
        score = fit(algorithm, rows, seed, columns)
        return Fitted(
            score(self.holdout[0]),
            true_auc(score(self.population[0]), self.population[1]) if self.population else None,
        )


def trials(arena: Arena, algorithm: str, seed: int, *, better: bool) -> Iterator[Trial]:
    """Retrains that are no better, then challengers that are: by features, and by the world that
    the champion knew.

    Champion and challenger of the retrains are fitted alike, so which one is truly better is a toss
    of a coin.
    """
    rows, width = arena.rows, arena.rows[0].shape[1]
    full = arena.fitted(algorithm, rows, seed)

    def trial(name: str, challenger: Fitted, champion: Fitted) -> Trial:
        return decided(name, arena.holdout[1], challenger, champion, seed)

    yield trial(
        "retrain: new seed, new sample of the same rows",
        full,
        arena.fitted(algorithm, rows, seed + 1),
    )
    if arena.others is not None:
        yield trial(
            "retrain: another window of the same size",
            arena.fitted(algorithm, arena.others, seed + 2),
            full,
        )
    if not better:
        return
    order = np.random.default_rng(seed).permutation(width)
    for part, name in ((1 / 18, "an eighteenth"), (1 / 6, "a sixth"), (1 / 3, "a third")):
        kept = np.sort(order[max(1, round(width * part)) :])
        poorer = arena.fitted(algorithm, rows, seed + 3, kept)
        yield trial(f"better: champion lacks {name} of the features", full, poorer)
    for name, known in arena.old.items():
        older = arena.fitted(algorithm, known, seed + 4)
        yield trial(f"better: champion knew a world that differs by {name}", full, older)


def decided(
    name: str, churned: np.ndarray, challenger: Fitted, champion: Fitted, seed: int
) -> Trial:
    """What the rules say on the hold-out, and what the population knows."""
    options = {"replicates": REPLICATES, "seed": seed}
    estimate, drawn = resampled_differences(churned, challenger.scores, champion.scores, **options)
    known = challenger.true_auc is not None and champion.true_auc is not None
    true = challenger.true_auc - champion.true_auc if known else None  # type: ignore[operator]
    return Trial(name, {rule: says(estimate, drawn) for rule, says in RULES.items()}, true)


def true_auc(score: np.ndarray, probability: np.ndarray) -> float:
    """AUC over both outcomes of each customer, weighted by how probable they are."""
    outcomes = np.repeat([1, 0], len(score))
    return float(
        roc_auc_score(
            outcomes, np.tile(score, 2), sample_weight=np.append(probability, 1 - probability)
        )
    )


def simulated(repetitions: int, holdout_rows: int) -> Iterator[Trial]:
    """Trials in worlds drawn anew, with each algorithm in turn."""
    for repetition in range(repetitions):
        world = World(np.random.default_rng(repetition))
        old = {f"{part} %": world.drifted(part / 100).rows(ROWS) for part in (5, 20)}
        everyone = world.features(POPULATION)
        arena = Arena(
            rows=world.rows(ROWS),
            holdout=world.rows(holdout_rows),
            population=(everyone, world.probability(everyone)),
            others=world.rows(ROWS),
            old=old,
        )
        yield from trials(
            arena, algorithm_of(repetition), 10 * repetition, better=repetition % 4 < 2
        )


def ibm(path: Path, repetitions: int) -> Iterator[Trial]:
    """Trials on the public file: 60 % of the customers to fit on, 40 % to decide on, parted anew
    each time.
    """
    table = pd.read_csv(path).drop(columns="customerID")
    table["TotalCharges"] = pd.to_numeric(table["TotalCharges"], errors="coerce").fillna(0)
    churned = (table.pop("Churn") == "Yes").to_numpy(np.int8)
    features = pd.get_dummies(table, drop_first=True).to_numpy(np.float64)
    for repetition in range(repetitions):
        parts = train_test_split(
            features, churned, test_size=0.4, stratify=churned, random_state=repetition
        )
        arena = Arena(rows=(parts[0], parts[2]), holdout=(parts[1], parts[3]))
        yield from trials(
            arena, algorithm_of(repetition), 10 * repetition, better=repetition % 4 < 2
        )


def algorithm_of(repetition: int) -> str:
    """Both algorithms in turn."""
    return ("lightgbm", "logistic_regression")[repetition % 2]


def share(hits: int, total: int) -> str:
    """A share with its 95 % interval (Wilson)."""
    low, high = proportion_confint(hits, total, method="wilson")
    return f"{hits / total:.1%} ({low:.1%} to {high:.1%})".replace("%", " %")


def report(found: list[Trial]) -> str:
    """A Markdown table: how often each rule promotes in each case, and the mean true difference of
    AUC.
    """
    groups: dict[str, list[Trial]] = {}
    no_better = []
    for trial in found:
        groups.setdefault(trial.case, []).append(trial)
        if trial.case.startswith("retrain:") and (trial.true_difference or 0) <= 0:
            no_better.append(trial)

    if any(trial.true_difference is not None for trial in found):
        groups["of the retrains those that are truly no better"] = no_better

    rows = []
    for name, group in groups.items():
        known = [trial.true_difference for trial in group if trial.true_difference is not None]
        true = f"{np.mean(known):+.4f} (sd {np.std(known):.4f})" if known else "unknown"
        row = [name, true]
        for rule in RULES:
            promoted = sum(trial.promoted[rule] for trial in group)
            row.append(share(promoted, len(group)))

        rows.append(row)

    return markdown_table(["case", "true difference", *RULES], rows)


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=400)
    parser.add_argument(
        "--holdout", type=int, default=6_000, help="Customers to decide on, in simulated worlds."
    )
    parser.add_argument("--ibm", type=Path, help="The public IBM Telco file.")
    arguments = parser.parse_args()
    if arguments.ibm:
        found = list(ibm(arguments.ibm, arguments.repetitions))
    else:
        found = list(simulated(arguments.repetitions, arguments.holdout))
    print(
        f"{arguments.repetitions} repetitions; the platform's gate looks at the "
        f"{CONFIDENCE * 100:g} % interval\n"
    )
    print(report(found))


if __name__ == "__main__":
    main()
