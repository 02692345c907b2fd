"""Evidently's page."""

import re

import numpy as np

from churn_platform.monitoring.html_report import write_report
from churn_platform_tests.support.tiny import TINY, customers


def test_the_page_is_whole_and_opens_offline(tmp_path):
    """Every feature that has values is on it, no script, style or picture comes from elsewhere, no
    draft is left.
    """
    before, after = (customers(1_200, seed=seed).features for seed in (1, 2))
    after[:, 1] = np.nan
    target = tmp_path / "reports" / "2025-05" / "feature_drift.html"
    facts = {"Month": "2025-05", "Model": "version <3>"}
    size = write_report(target, before, after, TINY.features, title="a & b, 2025-05", facts=facts)
    page = target.read_text(encoding="utf-8")
    assert size == target.stat().st_size < 10_000_000
    assert "usage" in page
    assert page.count("<title>") == 1
    assert "<title>a &amp; b, 2025-05</title>" in page
    assert page.index("<h1>a &amp; b, 2025-05</h1>") < page.index("<dd>version &lt;3&gt;</dd>")
    assert "tickets" not in page
    assert re.findall(r"""<(?:script|link|img)[^>]*(?:src|href)=["']?https?:""", page) == []
    assert [path.name for path in target.parent.iterdir()] == ["feature_drift.html"]
