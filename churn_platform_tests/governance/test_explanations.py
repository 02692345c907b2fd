"""Importance is the mean size of contributions, and pictures come out for every algorithm."""

import numpy as np
import pytest

from churn_platform.governance.explanations import SAMPLE_ROWS, explain, importances, sample_rows
from churn_platform.governance.fairness_text import importance_markdown
from churn_platform.markdown import picture
from churn_platform_tests.support.tiny import TINY, customers


def test_importance_is_the_mean_size():
    """Means of |1|, |-3|: 2; |0.5|, |0.5|: 0.5; shares of 2.5 in all; what adds
    nothing comes last.
    """
    ranking = importances(TINY.features, np.array([[0, 1.0, 0, 0.5], [0, -3.0, 0, 0.5]]))
    assert [(it.feature, it.mean_abs_contribution, it.share) for it in ranking] == [
        ("tickets", 2.0, 0.8),
        ("plan", 0.5, 0.2),
        ("usage", 0.0, 0.0),
        ("is_late", 0.0, 0.0),
    ]
    assert importance_markdown(ranking).splitlines()[2] == "| tickets | care | 2.0000 | 80.0% |"


def test_a_model_that_looks_at_nothing_has_no_shares():
    """No division by zero where all contributions are zero."""
    assert {it.share for it in importances(TINY.features, np.zeros((3, 4)))} == {0.0}


def test_the_sample_is_bounded_and_seeded():
    """Few rows are taken whole, many are sampled without repetition, the same for the same seed."""
    assert sample_rows(5, seed=1).tolist() == [0, 1, 2, 3, 4]
    drawn = sample_rows(50_000, seed=1)
    assert len(set(drawn.tolist())) == SAMPLE_ROWS
    assert (
        drawn.tolist()
        == sample_rows(50_000, seed=1).tolist()
        != sample_rows(50_000, seed=2).tolist()
    )


def test_every_algorithm_is_explained(model):
    """Tickets lead by construction, missing values are survived, and each picture is a PNG of
    moderate size.
    """
    ranking, pictures = explain(model, customers(300, seed=4).features, seed=7)
    assert {it.feature for it in ranking[:2]} == {"tickets", "usage"}
    assert next(iter(pictures)) == "shap_summary.png"
    assert len(pictures) == 5
    assert all(png.startswith(b"\x89PNG") and len(png) < 300_000 for png in pictures.values())


def test_a_picture_needs_no_other_file():
    """Its bytes stand in the Markdown."""
    assert picture("a.png", b"\x89PNG") == "![a.png](data:image/png;base64,iVBORw==)"


@pytest.mark.parametrize("rows", [1, 2])
def test_few_customers_are_enough(model, rows):
    """One customer gives an importance and pictures too."""
    ranking, pictures = explain(model, customers(rows, seed=4).features, seed=7)
    assert (len(ranking), len(pictures)) == (4, 5)
