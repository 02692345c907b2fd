"""What monitoring found, in tables and in figures."""

from datetime import date

import pytest

from churn_platform.monitoring.drift_text import (
    PERFORMANCE,
    drift_figures,
    drift_markdown,
    performance_figures,
)

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def drift(feature: str, psi: float, importance: float) -> dict:
    """One feature of a month; its limit is 0.1."""
    return {
        "feature": feature,
        "psi": psi,
        "psi_limit": 0.1,
        "jensen_shannon": 0.0,
        "importance": importance,
        "null_share_change": 0.0,
        "is_drifted": psi > 0.1,
    }


def test_drift_in_figures():
    """One of two features drifted; it holds 30 % of the importance."""
    rows = [drift("a", 0.4, 0.3), drift("b", 0.05, 0.7)]
    assert drift_figures(rows) == {
        "drift_share": 0.5,
        "drifted_importance": pytest.approx(0.3),
        "largest_psi": 0.4,
    }


def test_drifted_features_are_bold():
    """The name itself is escaped, the marks are not."""
    page = drift_markdown([drift("a_b", 0.4, 0.3), drift("b", 0.05, 0.7)])
    assert page.splitlines()[2].startswith("| **a\\_b** | 0.400 |")
    assert page.splitlines()[3].startswith("| b |")


def outcomes(segment: str, month: date, auc: float) -> dict:
    """Outcomes of a segment, all figures alike."""
    return {"segment": segment, "features_month": month} | dict.fromkeys(PERFORMANCE, auc)


def test_performance_in_figures():
    """AUC reached and promised side by side, of all customers and of the newest feature month."""
    rows = [outcomes("all", JUNE, 0.5), outcomes("region", JULY, 0.6), outcomes("all", JULY, 0.7)]
    figures = performance_figures(rows)
    assert {"auc", "promised_auc", "recall", "churn_ratio"} <= figures.keys()
    assert set(figures.values()) == {0.7}
    assert performance_figures([outcomes("region", JUNE, 0.5)]) == {}
