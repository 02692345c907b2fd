"""The page shows the newest month that is as it was published."""

import pytest

from churn_platform_tests.support.published_page import publish
from serving.errors import BundleError, NotFound
from serving.page import bundle
from serving.page.bundle import Bundles, open_month, quoted


@pytest.fixture
def bundles(tmp_path, monkeypatch) -> Bundles:
    """Of the folder `published`; it looks for new months at each request."""
    monkeypatch.setattr(bundle, "LOOK_SECONDS", 0.0)
    return Bundles(tmp_path / "published")


def test_customers_are_found_in_any_part(tmp_path):
    """The month has two parts; ids before, between and behind those in them are of nobody."""
    month = open_month(publish(tmp_path), threads=1)
    found = [month.customer(customer_id) for customer_id in ("C-beyond", "C-low", "C-opted")]
    assert [row["customer_id"] for row in found if row] == ["C-beyond", "C-low", "C-opted"]
    assert [month.customer(customer_id) for customer_id in ("A", "C-m", "D")] == [None] * 3


def test_a_file_that_changed_is_named(tmp_path):
    """With what to do."""
    folder = publish(tmp_path)
    (folder / "phones.parquet").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"phones\.parquet is not as published; publish it again"):
        open_month(folder, threads=1)


def test_what_a_month_computes_is_computed_once(tmp_path):
    """A published month does not change."""
    month = open_month(publish(tmp_path), threads=1)
    values = iter((1, 2))
    assert [month.kept("total", lambda: next(values)) for _ in range(2)] == [1, 1]


def test_a_new_month_is_followed(bundles, tmp_path):
    """Without a restart."""
    publish(tmp_path / "published", month="2026-09")
    assert bundles.month("tiny").manifest.month == "2026-09"
    publish(tmp_path / "published", month="2026-10")
    assert bundles.month("tiny").manifest.month == "2026-10"
    assert bundles.portfolios == ["tiny"]


def test_a_month_that_is_refused_leaves_the_one_before(bundles, tmp_path):
    """And the reason is told until a good one comes."""
    publish(tmp_path / "published", month="2026-09")
    bundles.month("tiny")
    spoiled = publish(tmp_path / "published", month="2026-10")
    (spoiled / "phones.parquet").unlink()
    assert bundles.month("tiny").manifest.month == "2026-09"
    assert "phones.parquet" in (bundles.refusal("tiny") or "")

    publish(tmp_path / "published", month="2026-11")
    assert bundles.month("tiny").manifest.month == "2026-11"
    assert bundles.refusal("tiny") is None


def test_a_portfolio_without_a_month_is_not_found(bundles):
    """By its name."""
    with pytest.raises(NotFound, match="'nowhere'"):
        bundles.month("nowhere")


def test_a_path_with_a_quote_is_one_literal(tmp_path):
    """A folder's name is no SQL."""
    assert quoted(tmp_path / "o'neill").endswith("/o''neill'")
