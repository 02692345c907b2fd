"""What reasons cost in a month's batch: contributions of each algorithm, exact against approximate,
and who needs them.

    python benchmarks/reasons.py --customers 20000      (after `make demo`, on its warehouse)

Each algorithm is fitted with its defaults on 20,000 rows of the newest training set. Times are CPU
seconds of one thread for 100,000 customers, so that they do not depend on what else the machine
does. 'told' is the share of customers above the lowest tier, the only ones for whom the batch looks
for reasons.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date

import numpy as np

from churn_platform.markdown import table
from churn_platform.metrics.threshold import choose_threshold, risk_tiers
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Portfolio
from churn_platform.published.reasons import TOP
from churn_platform.published.tiers import tier_places
from churn_platform.scoring.reason_sentences import top_reasons
from churn_platform.settings import load_settings
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.training_data import (
    TrainingData,
    load_training_data,
    read_training_set,
)
from churn_platform.warehouse.lake import Lake, connect

FITTED_ROWS = 20_000
PER = 100_000


def read_data(name: str) -> tuple[Portfolio, TrainingData]:
    """The newest training set of the portfolio."""
    settings = load_settings()
    portfolio = load_portfolios(settings.portfolios_dir)[name]
    with closing(connect(Lake.of(settings), read_only=True)) as connection:
        newest: date = connection.execute(f"select max(month) from {name}.training_set").fetchall()[
            0
        ][0]
        return portfolio, load_training_data(
            connection, portfolio, read_training_set(connection, portfolio, newest)
        )


def cpu_seconds(work: Callable[[], object], customers: int) -> float:
    """CPU seconds of this process for 100,000 customers."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * PER / customers


def approximate(model: ChurnModel, features: np.ndarray) -> np.ndarray:
    """XGBoost's approximate contributions (Saabas), less their mean as the exact ones are."""
    import xgboost

    booster = model.estimator.get_booster()  # type: ignore[attr-defined]
    return (
        booster.predict(xgboost.DMatrix(features), pred_contribs=True, approx_contribs=True)[:, :-1]
        - model.baseline
    )


def agreement(exact: np.ndarray, other: np.ndarray) -> float:
    """Mean share of the three strongest features that both name."""
    tops = [np.argsort(-values, axis=1)[:, :TOP] for values in (exact, other)]
    return float(np.mean([len(set(one) & set(two)) / TOP for one, two in zip(*tops, strict=True)]))


def measured(
    portfolio: Portfolio, algorithm: str, data: TrainingData, features: np.ndarray
) -> list[str]:
    """One algorithm's row of the table."""
    train = data.train.take(np.random.default_rng(1).permutation(len(data.train))[:FITTED_ROWS])
    model = fit_model(algorithm, portfolio.features, train, data.validation, seed=1, threads=1)
    probability = model.churn_probability(features)
    threshold = choose_threshold(
        data.validation.churned,
        model.churn_probability(data.validation.features),
        economics=portfolio.economics,
        min_recall=portfolio.gates.min_recall,
    )
    tiers = risk_tiers(
        threshold=threshold, base_rate=float(train.churned.mean()), economics=portfolio.economics
    )
    bounds = [bound for _, bound in tiers]
    told = float(np.mean(tier_places(probability, bounds) < len(tiers) - 1))
    contributions = model.contributions(features)
    rows = len(features)
    score = cpu_seconds(lambda: model.churn_probability(features), rows)
    explain = cpu_seconds(lambda: model.contributions(features), rows)
    words = cpu_seconds(lambda: top_reasons(features, contributions, portfolio.features), rows)
    if algorithm == "xgboost":
        quick = cpu_seconds(lambda: approximate(model, features), rows)
        agreed = agreement(contributions, approximate(model, features))
        print(
            f"xgboost, approximate contributions: {quick:.1f} s; "
            f"{agreed:.0%} of the exact top {TOP} named\n"
        )

    return [
        algorithm,
        f"{score:.1f}",
        f"{explain:.1f}",
        f"{words:.1f}",
        f"{told:.0%}",
        f"{score + explain + words:.1f}",
        f"{score + told * (explain + words):.1f}",
    ]


def main() -> None:
    """Measure all four."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--portfolio", default="telecomit")
    arguments.add_argument("--customers", type=int, default=20_000)
    given = arguments.parse_args()
    portfolio, data = read_data(given.portfolio)
    features = data.holdout.features[np.arange(given.customers) % len(data.holdout)]
    rows = [measured(portfolio, algorithm, data, features) for algorithm in ALGORITHMS]
    head = ["algorithm", "score", "contributions", "words", "told", "for all", "told only"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
