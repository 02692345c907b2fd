"""Pictures are small PNG files, one curve per model, and leave nothing behind."""

import struct

import numpy as np
import pytest
from scipy.special import expit

from churn_platform.metrics.metric_pictures import (
    Scored,
    _calibration,
    _precision_recall,
    confusion_counts,
    pictures,
)


def scored(rows: int, threshold: float = 0.3) -> Scored:
    """A model that is right about its customers' probabilities."""
    generator = np.random.default_rng(rows)
    probability = expit(generator.normal(-1.5, 1.2, rows))
    return Scored(
        (generator.uniform(size=rows) < probability).astype(np.int8), probability, threshold
    )


@pytest.mark.parametrize("rows", [30, 200_000])
def test_every_picture_is_a_small_png(rows):
    """Five pictures below 80 kB, 700 pixels wide, however many customers, the same from the same
    customers.
    """
    models = {"challenger 2": scored(rows), "champion <1> $x$": scored(rows + 1)}
    drawn = pictures(models)
    assert list(drawn) == ["roc", "precision_recall", "calibration", "lift", "confusion_matrix"]
    for name, png in drawn.items():
        assert png[:8] == b"\x89PNG\r\n\x1a\n", name
        assert struct.unpack(">II", png[16:24]) == (700, 460), name
        assert len(png) < 80_000, name
    assert pictures(models) == drawn


def test_pictures_differ_with_the_model():
    """Another model gives another picture, each of them."""
    one, other = pictures({"model": scored(500)}), pictures({"model": scored(501, threshold=0.1)})
    assert [name for name in one if one[name] == other[name]] == []


def test_a_threshold_that_contacts_nobody_or_everybody_is_drawn():
    """Empty cells are no error."""
    for threshold in (0.0, 2.0):
        assert len(pictures({"model": scored(50, threshold)})) == 5


def test_the_confusion_matrix_counts_by_hand():
    """Rows are what happened, columns what was predicted; a probability at the threshold counts as
    churn.
    """
    model = Scored(np.array([1, 1, 0, 0, 0]), np.array([0.5, 0.1, 0.9, 0.2, 0.3]), 0.5)
    assert confusion_counts(model).tolist() == [[2, 1], [1, 1]]


def test_no_figure_stays_open():
    """Nothing registers with pyplot, whose state all assets of a process would share."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    pictures({"model": scored(50)})
    assert pyplot.get_fignums() == before


def test_precision_is_legible_where_few_leave():
    """At 2 % churn the curve fills the picture, though the first customer is a churner for sure."""
    generator = np.random.default_rng(5)
    probability = expit(generator.normal(-4.5, 1.0, 20_000))
    churned = (generator.uniform(size=20_000) < probability).astype(np.int8)
    churned[probability.argmax()] = 1
    figure = _precision_recall({"model": Scored(churned, probability, 0.1)})
    (axes,) = figure.axes
    curve = axes.lines[0]
    shown = np.asarray(curve.get_ydata())[np.asarray(curve.get_xdata()) >= 0.05]
    assert max(shown) > 0.8 * axes.get_ylim()[1]
    assert max(shown) < axes.get_ylim()[1] < 1


def test_numbers_of_bins_do_not_cover_each_other():
    """Bins that crowd have no number; the highest has."""
    generator = np.random.default_rng(5)
    probability = expit(generator.normal(-4.5, 1.0, 20_000))
    churned = (generator.uniform(size=20_000) < probability).astype(np.int8)
    (axes,) = _calibration({"model": Scored(churned, probability, 0.1)}).axes
    places = sorted(text.xy[0] for text in axes.texts)
    highest = max(axes.lines[0].get_xdata())
    assert places[-1] == highest
    assert 1 < len(places) < 10
    assert min(np.diff(places)) >= 0.05 * highest
