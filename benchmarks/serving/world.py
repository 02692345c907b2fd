"""What every target serves: a booster on random telecomit customers, as published here and as
others load it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from churn_platform.bundles.features_bundle import publish_features
from churn_platform.bundles.model_bundle import publish_model
from churn_platform.metrics.threshold import risk_tiers
from churn_platform.portfolios.loader import load_portfolios
from churn_platform.portfolios.spec import Feature, Portfolio
from churn_platform.published.format import model_dir, pack_customer, read_model_manifest
from churn_platform.published.live_file import go_live
from churn_platform.published.sentences import decoded
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.model_record import ModelRecord
from churn_platform.training.training_data import Labelled

PORTFOLIO, MONTH, VERSION = "telecomit", "2025-06", 1
FITTED_ROWS = 40_000
REASONS = ["No call since 12 days", "Paid late in 3 of 6 months", "4 tickets in 90 days"]


@dataclass(frozen=True)
class World:
    """Where the files are, and what to send."""

    folder: Path
    ids: list[str]
    payloads: list[dict[str, object]]
    encoded: np.ndarray

    @property
    def published_dir(self) -> Path:
        """The bundles."""
        return self.folder / "published"

    @property
    def booster(self) -> Path:
        """The booster in XGBoost's own format."""
        return self.folder / "model.ubj"

    @property
    def mlflow_model(self) -> Path:
        """The booster as MLflow saves it."""
        return self.folder / "mlflow_model"


def make_world(folder: Path, customers: int) -> World:
    """Fit, publish and save; `customers` are in the online features, and 500 of them are sent as
    payloads.
    """
    portfolio = load_portfolios(folder / "none")[PORTFOLIO]
    model, base_rate = _fit(portfolio)
    sample = random_features(portfolio, 500, seed=3)
    root = folder / "published" / PORTFOLIO
    publish_model(root, VERSION, model, _record(portfolio, base_rate), sample)
    publish_customers(root, portfolio, model, customers)
    go_live(root, PORTFOLIO, champion=VERSION, features_month=MONTH)
    features = read_model_manifest(model_dir(root, VERSION)).features
    payloads = [
        {f.name: decoded(float(v), f.type, f.levels) for f, v in zip(features, row, strict=True)}
        for row in sample
    ]
    world = World(
        folder,
        [customer_id(number) for number in range(0, customers, max(1, customers // 500))],
        payloads,
        sample,
    )
    _save_for_others(world, model)
    return world


def random_features(portfolio: Portfolio, rows: int, *, seed: int) -> np.ndarray:
    """Encoded customers inside the catalogue's ranges, (rows, features) float32; a twentieth of
    values missing.
    """
    generator = np.random.default_rng(seed)
    matrix = np.column_stack(
        [_column(feature, rows, generator) for feature in portfolio.features]
    ).astype(np.float32)
    missing = generator.uniform(size=matrix.shape) < 0.05
    matrix[missing & np.array([feature.nullable for feature in portfolio.features])] = np.nan
    return matrix


def _column(feature: Feature, rows: int, generator: np.random.Generator) -> np.ndarray:
    if feature.type == "category":
        return generator.integers(0, len(feature.levels), rows)
    if feature.type == "boolean":
        return generator.integers(0, 2, rows)
    low, high = (
        (0.0 if feature.range[0] is None else feature.range[0]),
        (feature.range[1] or 1_000.0),
    )
    values = generator.uniform(low, high, rows)
    return np.floor(values) if feature.type == "integer" else values


def _fit(portfolio: Portfolio) -> tuple[ChurnModel, float]:
    features = random_features(portfolio, FITTED_ROWS, seed=1)
    generator = np.random.default_rng(2)
    known = np.nan_to_num((features - np.nanmean(features, axis=0)) / np.nanstd(features, axis=0))
    log_odds = -5.2 + known @ generator.normal(
        0, 0.3, features.shape[1]
    )  # a few of a hundred leave
    churned = (generator.uniform(size=FITTED_ROWS) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    rows = Labelled(features, churned, np.arange(FITTED_ROWS).astype(str))
    half = np.arange(FITTED_ROWS) % 2 == 0
    model = fit_model(
        "xgboost", portfolio.features, rows.take(half), rows.take(~half), seed=7, threads=1
    )
    return model, float(churned.mean())


def _record(portfolio: Portfolio, base_rate: float) -> ModelRecord:
    return ModelRecord(
        portfolio=PORTFOLIO,
        month=MONTH,
        algorithm="xgboost",
        mlflow_run_id="benchmark",
        snapshot=0,
        code_version="benchmark",
        training_months=[MONTH],
        holdout_month=MONTH,
        threshold=3 * base_rate,
        base_rate=base_rate,
        tiers=risk_tiers(
            threshold=3 * base_rate, base_rate=base_rate, economics=portfolio.economics
        ),
        validation={"auc": 0.8},
        holdout={"auc": 0.8},
    )


def customer_id(number: int) -> str:
    """An id as the simulator gives them."""
    return f"C{number:08d}"


def publish_customers(root: Path, portfolio: Portfolio, model: ChurnModel, customers: int) -> None:
    """Online features of `customers` customers; 10,000 different ones, over and over."""
    features = random_features(portfolio, min(customers, 10_000), seed=4)
    probability = model.churn_probability(features)
    packed = [
        pack_customer(row, value, REASONS) for row, value in zip(features, probability, strict=True)
    ]
    rows: Iterator[tuple[str, bytes]] = (
        (customer_id(number), packed[number % len(packed)]) for number in range(customers)
    )
    publish_features(
        root,
        portfolio=PORTFOLIO,
        month=MONTH,
        features=portfolio.feature_names,
        scored_by=VERSION,
        customers=rows,
    )


def _save_for_others(world: World, model: ChurnModel) -> None:
    import mlflow

    model.estimator.save_model(world.booster)  # type: ignore[attr-defined]
    mlflow.xgboost.save_model(model.estimator, str(world.mlflow_model))
    mlserver = world.folder / "mlserver"
    mlserver.mkdir()
    settings = {
        "name": "churn",
        "implementation": "mlserver_xgboost.XGBoostModel",
        "parameters": {"uri": str(world.booster)},
    }
    (mlserver / "model-settings.json").write_text(json.dumps(settings))
