"""Pictures of how models rank and how far their probabilities can be trusted,
one curve per model.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from churn_platform.metrics.metrics import ReliabilityBin, reliability
from churn_platform.published.plain_numbers import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 400
SIZE_INCHES, DOTS_PER_INCH = (7.0, 4.6), 100
ROOM = 0.05  # of an axis, between two numbers that are written into a picture


@dataclass(frozen=True)
class Scored:
    """A model's probabilities for customers whose outcome is known, and the
    threshold it serves at.
    """

    churned: np.ndarray
    probability: np.ndarray
    threshold: float


def pictures(models: Mapping[str, Scored]) -> dict[str, bytes]:
    """PNG files by name: roc, precision_recall, calibration, lift, and confusion_matrix of the
    first model alone.
    """
    first = next(iter(models.values()))
    return {
        "roc": png_of(_roc(models)),
        "precision_recall": png_of(_precision_recall(models)),
        "calibration": png_of(_calibration(models)),
        "lift": png_of(_lift(models)),
        "confusion_matrix": png_of(_confusion_matrix(first)),
    }


def new_figure(title: str, across: str, up: str) -> "tuple[Figure, Axes]":
    """An empty picture; made without pyplot, whose list of open figures is shared by everything in
    the process.
    """
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=SIZE_INCHES,
        dpi=DOTS_PER_INCH,
        layout="constrained",
    )
    axes = figure.add_subplot(
        title=title,
        xlabel=across,
        ylabel=up,
    )
    axes.grid(alpha=0.3)
    return figure, axes


def png_of(figure: "Figure") -> bytes:
    """The picture as a PNG file whose bytes depend on the picture alone."""
    stored = BytesIO()
    # matplotlib writes its version into the file, and the bytes would change with it.
    figure.savefig(stored, format="png", metadata={"Software": None})
    return stored.getvalue()


def _roc(models: Mapping[str, Scored]) -> "Figure":
    from sklearn.metrics import roc_curve

    figure, axes = new_figure("ROC", "share of stayers contacted", "share of churners found")
    for name, model in models.items():
        false_positive, true_positive, _ = roc_curve(model.churned, model.probability)
        axes.plot(*_thinned(false_positive, true_positive), label=name)
        predicted = model.probability >= model.threshold
        axes.plot(
            predicted[model.churned == 0].mean(),
            predicted[model.churned == 1].mean(),
            "ko",
            markersize=4,
        )

    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.legend(
        loc="lower right",
        title="dot: the threshold",
        fontsize="small",
    )
    return figure


def _precision_recall(models: Mapping[str, Scored]) -> "Figure":
    from sklearn.metrics import precision_recall_curve

    figure, axes = new_figure("Precision and recall", "recall", "precision")

    highest = 0.0
    for name, model in models.items():
        churned = model.churned
        precision, recall, _ = precision_recall_curve(churned, model.probability)
        recall, precision = _thinned(recall, precision)
        axes.plot(recall, precision, label=name)
        # The first few customers have any precision, 1 as a rule. They must not set the scale:
        # where 2 % leave, the whole curve would lie on the axis.
        highest = max(highest, *precision[recall >= ROOM])
        axes.axhline(churned.mean(), linestyle=":", color="grey")

    axes.set_ylim(0, min(1.02, 1.2 * highest))
    axes.legend(fontsize="small", title="dotted: churn rate")
    return figure


def _calibration(models: Mapping[str, Scored]) -> "Figure":
    figure, axes = new_figure("Calibration", "mean probability of the bin", "share that churned")
    for name, model in models.items():
        curve = reliability(model.churned, model.probability)
        predicted = [part.mean_probability for part in curve]
        observed = [part.churned / part.customers for part in curve]
        axes.plot(predicted, observed, "o-", markersize=4, label=name)
        if name == next(iter(models)):
            _write_customers(axes, curve)

    low, high = axes.get_xlim()
    axes.plot([max(low, 0), high], [max(low, 0), high], ":", color="grey")
    axes.legend(fontsize="small", title="numbers: customers in the bin")
    return figure


def _write_customers(axes: "Axes", curve: Sequence[ReliabilityBin]) -> None:
    """The number of customers beside each bin that has room for it, the highest bins first."""
    highest = max(part.mean_probability for part in curve)
    written = math.inf
    # Bins of low probabilities crowd where few leave; their numbers would cover each other.
    for part in reversed(curve):
        across = part.mean_probability
        if written - across < ROOM * highest:
            continue
        written = across
        axes.annotate(
            f"{part.customers:,}",
            (across, part.churned / part.customers),
            xytext=(4, -12),
            textcoords="offset points",
            fontsize=8,
        )


def _lift(models: Mapping[str, Scored]) -> "Figure":
    figure, axes = new_figure(
        "Churners found by contacting the riskiest",
        "share of customers",
        "share of churners",
    )
    for name, model in models.items():
        order = np.argsort(-model.probability, kind="stable")
        found = np.cumsum(model.churned[order]) / model.churned.sum()
        contacted = np.arange(1, len(found) + 1) / len(found)
        across, up = _thinned(np.append(0, contacted), np.append(0, found))
        axes.plot(across, up, label=name)

    axes.plot([0, 1], [0, 1], ":", color="grey")
    axes.axvline(0.1, linestyle=":", color="grey")
    axes.legend(loc="lower right", fontsize="small")
    return figure


def _confusion_matrix(model: Scored) -> "Figure":
    counts = confusion_counts(model)
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = new_figure(
        f"At the threshold {number(model.threshold)}",
        "predicted",
        "happened",
    )
    axes.grid(visible=False)
    axes.imshow(
        shares,
        cmap="Blues",
        vmin=0,
        vmax=1,
    )

    for (row, column), share in np.ndenumerate(shares):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}\n{share:.1%}",
            ha="center",
            va="center",
            color="white" if share > 0.6 else "black",
        )

    axes.set_xticks([0, 1], ["stays", "churns"])
    axes.set_yticks([0, 1], ["stayed", "churned"])
    return figure


def confusion_counts(model: Scored) -> np.ndarray:
    """Customers by what happened (stayed, churned) and what was predicted
    (stays, churns), (2, 2).
    """
    cells = 2 * (model.churned == 1) + (model.probability >= model.threshold)
    return np.bincount(cells, minlength=4).reshape(2, 2)


def _thinned(across: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Some 400 points of a curve, first and last among them."""
    # Millions would only make drawing slow.
    kept = np.unique(np.linspace(0, len(across) - 1, min(POINTS, len(across))).astype(int))
    return across[kept], up[kept]
