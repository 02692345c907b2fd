"""What a model looks at: the mean size of each feature's contribution, and pictures of them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn_platform.portfolios.spec import Feature
from churn_platform.training.model import ChurnModel

SAMPLE_ROWS = 2_000
SHOWN_FEATURES = 12
DEPENDENCE_PICTURES = 4
DPI = 100


@dataclass(frozen=True)
class Importance:
    """Mean |contribution| of a feature to the raw log-odds, and its share of the sum over all
    features.
    """

    feature: str
    group: str
    mean_abs_contribution: float
    share: float


def explain(
    model: ChurnModel, features: np.ndarray, *, seed: int
) -> tuple[list[Importance], dict[str, bytes]]:
    """Importance of every feature and the pictures, over a sample of the model's own encoded
    features.
    """
    sample = features[sample_rows(len(features), seed=seed)]
    contributions = model.contributions(sample)
    return importances(model.features, contributions), pictures(model, sample, contributions)


def sample_rows(rows: int, *, seed: int) -> np.ndarray:
    """At most SAMPLE_ROWS positions, ascending, drawn with the seed; means over so many move
    little.
    """
    if rows <= SAMPLE_ROWS:
        return np.arange(rows)
    # A seeded sample: the pictures of a version are the same each time they are made.
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLE_ROWS, replace=False))


def importances(features: Sequence[Feature], contributions: np.ndarray) -> list[Importance]:
    """Global importance from (rows, features) contributions, largest first; shares add up to 1, or
    are all 0.
    """
    size = np.abs(contributions).mean(axis=0)
    shares = size / size.sum() if size.sum() > 0 else size

    ranking = []
    for place in np.argsort(-size, kind="stable"):
        feature = features[place]
        share = float(shares[place])
        ranking.append(Importance(feature.name, feature.group, float(size[place]), share))

    return ranking


def pictures(model: ChurnModel, sample: np.ndarray, contributions: np.ndarray) -> dict[str, bytes]:
    """PNG pictures by file name: SHAP's summary, and the dependence of each of the most important
    features.

    `sample` holds the model's own encoded features, (rows, features); `contributions` are theirs.
    """
    import matplotlib

    # No window system: runs have no display, and the macOS backend fails outside the main thread.
    matplotlib.use("Agg")
    explained = _explanation(model, sample, contributions)
    drawn = {"shap_summary.png": _summary(explained)}
    by_name = {feature.name: feature for feature in model.features}
    for importance in importances(model.features, contributions)[:DEPENDENCE_PICTURES]:
        name = importance.feature
        drawn[f"shap_dependence_{name}.png"] = _dependence(explained, by_name[name])

    return drawn


def _explanation(model: ChurnModel, sample: np.ndarray, contributions: np.ndarray) -> Any:
    import shap

    names = [feature.name for feature in model.features]
    return shap.Explanation(contributions, data=sample.astype(float), feature_names=names)


def _summary(explained: Any) -> bytes:
    import shap
    from matplotlib import pyplot

    pyplot.figure()
    shap.plots.beeswarm(
        explained,
        max_display=SHOWN_FEATURES,
        show=False,
        plot_size=(7.0, 5.0),
    )
    return _png(pyplot.gcf())


def _dependence(explained: Any, feature: Feature) -> bytes:
    import shap
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 4.6))
    shap.plots.scatter(
        explained[:, feature.name],
        ax=axes,
        show=False,
        hist=False,
        dot_size=6,
    )
    axes.set_ylabel("contribution to the log-odds")

    if feature.type == "category":
        axes.set_xticks(range(len(feature.levels)), feature.levels, rotation=20)

    return _png(figure)


def _png(figure: Any) -> bytes:
    from matplotlib import pyplot

    stored = io.BytesIO()
    figure.savefig(
        stored,
        format="png",
        dpi=DPI,
        bbox_inches="tight",
    )
    # pyplot keeps every figure until it is closed; a run over many months would collect them.
    pyplot.close(figure)
    return stored.getvalue()
