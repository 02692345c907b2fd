"""A card says what was recorded, in the portfolio's own words, and needs nothing but itself."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from churn_platform.governance.card import card_html, card_markdown, card_summary, number
from churn_platform.metrics.metrics_table import SHOWN
from churn_platform.metrics.segments import measure_slices
from churn_platform.portfolios.loader import load_portfolios
from churn_platform_tests.governance.conftest import HARSH, make_facts
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import TINY


def rows_of(page: str, section: str) -> list[list[str]]:
    """The cells of every table row of a section, as they read, headers left out."""
    part = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)[1]
    cells = [
        re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines() if line.startswith("|")
    ]
    plain = [[re.sub(r"\\(.)", r"\1", cell).strip() for cell in row] for row in cells]
    return [row for row in plain if not set("".join(row)) <= set("-:")]


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@invariant("Governance", "Every metric of a model card is the record's.")
def test_every_metric_is_the_records(record):
    """Read back from the card, hold-out and validation are the record's numbers
    to four decimals.
    """
    rows = {row[0]: row[1:] for row in rows_of(card_markdown(make_facts(TINY, record)), "Metrics")}
    for name, value in record.holdout.items():
        held, _, _, validated = rows[SHOWN[name]]
        assert float(held.replace(",", "")) == pytest.approx(value, abs=5e-5)
        assert float(validated.replace(",", "")) == pytest.approx(record.validation[name], abs=5e-5)


def test_the_summary_is_short_and_says_what_counts(record):
    """A dozen lines: version, decision, quality with its interval, fairness; no picture."""
    page = card_summary(make_facts(TINY, record))
    assert len(page.splitlines()) < 20
    assert "base64" not in page
    assert "| decision |" in page
    assert f"| {SHOWN['auc']} | " in page
    assert "fairness gate" in page or "equalized-odds" in page


def test_threshold_tiers_and_economics_are_the_recorded_ones(record):
    """The operating point reads as recorded and as the spec has it."""
    rows = dict(rows_of(card_markdown(make_facts(TINY, record)), "Threshold and economics"))
    assert rows["operating threshold"] == "0.3142"
    assert [float(rows[f"tier {name}, from"]) for name, _ in record.tiers] == [
        0.5556,
        0.3142,
        0.2,
        0,
    ]
    assert rows["cost of a contact, EUR"] == "35.0"


def test_slices_and_data_read_back(record):
    """Every slice with its counts and metrics, every month with its split, as measured."""
    facts = make_facts(
        TINY, record
    )  # it streamed every row, though the training set is a sample of half
    page = card_markdown(facts)
    rows = rows_of(page, "Slices")[1:]
    assert [(row[1], int(row[2]), int(row[3])) for row in rows] == [
        (it.group, it.customers, it.churners) for it in facts.slices
    ]
    assert [float(row[5]) for row in rows] == pytest.approx(
        [it.auc for it in facts.slices], abs=5e-5
    )
    assert rows_of(page, "Data")[1:] == [
        ["2025-01", "train", "1,500", "333", "1.0", "1"],
        ["2025-02", "holdout", "400", "99", "1.0", "1"],
    ]


def test_weights_read_back(record):
    """A half-life stands in the card, with the weight of a row of each month; without one the card
    says nothing.
    """
    assert "half for each" not in card_markdown(make_facts(TINY, record))
    facts = make_facts(TINY, replace(record, half_life_months=3.0, training_weights=[1.0]))
    facts.training_rows[0]["weight"] = 1.2345
    page = card_markdown(facts)
    assert "half for each 3 months of age" in page
    assert rows_of(page, "Data")[1][-1] == "1.2345"


def test_calibration_bins_are_the_evaluations(record):
    """Four of forty churned at a mean probability of 0.125."""
    assert rows_of(card_markdown(make_facts(TINY, record)), "Calibration")[1:] == [
        ["0.1250", "0.1000", "40"]
    ]


@pytest.mark.parametrize("name", ["telecomit", "ibm_telco"])
def test_every_portfolio_has_a_card(name, record, tmp_path):
    """For the portfolios that ship, every feature, gate, landed table and protected attribute
    stands in it.
    """
    portfolio = load_portfolios(tmp_path)[name]
    page = card_markdown(make_facts(portfolio, record))
    assert [row[0] for row in rows_of(page, "Features")[1:]] == portfolio.feature_names
    assert {row[0] for row in rows_of(page, "Limits while it serves")} >= {
        gate.replace("_", " ") for gate in portfolio.gates.model_dump()
    }
    assert {f"{portfolio.raw_schema}/{table.name}" for table in portfolio.landed_tables} <= {
        row[1] for row in rows_of(page, "Lineage")
    }
    assert not re.search(r"\{[{%]|None|Undefined", page)


@invariant("Governance", "The page of a card loads nothing.")
def test_html_needs_nothing_else(record):
    """No script, no link, no address: only pictures, and they are inside."""
    facts = make_facts(TINY, record)
    page = card_html(card_markdown(facts), title=f"Card {HARSH}")
    tags = Tags(page)
    assert {tag for tag, _ in tags.tags} & {
        "script",
        "link",
        "iframe",
        "a",
        "object",
        "form",
    } == set()
    loaded = [
        value
        for _, attributes in tags.tags
        for key, value in attributes.items()
        if key in ("src", "href")
    ]
    assert len(loaded) == len(facts.pictures)
    assert all(value.startswith("data:image/png;base64,") for value in loaded)
    assert "url(" not in page


@invariant("Governance", "A card shows a name as text, whatever the name contains.")
def test_harsh_names_read_as_themselves(record):
    """Markup in a group, a reason or a parameter is shown, not obeyed, in
    Markdown and HTML alike.
    """
    page = card_markdown(make_facts(TINY, record))
    assert HARSH in {row[1] for row in rows_of(page, "Slices")}
    assert f"refused: {HARSH}" in {row[1] for row in rows_of(page, "Approval")}
    assert HARSH in Tags(card_html(page, title="x")).text


def test_html_says_what_markdown_says(record):
    """Every number in the Markdown stands in the page."""
    page = card_markdown(make_facts(TINY, record, pictures={}))
    text = Tags(card_html(page, title="x")).text
    assert set(re.findall(r"\d+\.\d{4}", page)) <= set(re.findall(r"\d+\.\d{4}", text))


def test_a_version_that_was_not_judged_says_so(record):
    """Without an evaluation of this very version, the card claims no decision."""
    rows = dict(rows_of(card_markdown(make_facts(TINY, record, evaluation=None)), "Approval"))
    assert rows["promoted by the evaluation"] == "not judged yet"


def test_small_slices_are_named_and_not_measured(record):
    """A group below the limit has its counts and no metric, and stands among the limits."""
    groups = {"plan": np.array(["a"] * 4 + ["b"] * 3, dtype=object)}
    churned, probability = (
        np.array([1, 1, 0, 0, 1, 0, 0]),
        np.array([0.9, 0.8, 0.2, 0.1, 0.9, 0.1, 0.1]),
    )
    slices = measure_slices(groups, churned, probability, threshold=0.5, min_outcomes=2)
    measured = [(it.group, it.is_too_small, it.auc, it.recall, it.precision) for it in slices]
    assert measured == [("a", False, 1.0, 1.0, 1.0), ("b", True, None, None, None)]
    page = card_markdown(make_facts(TINY, record, slices=slices))
    assert ["plan", "b", "3", "1", "0.3333", "-", "-", "-"] in rows_of(page, "Slices")
    assert "Too small to measure: plan: b." in page


def test_quartiles_stand_in_the_order_of_their_bounds():
    """Below ten before above ten, although '1' sorts before '9' as text; no value comes first."""
    groups = {
        "age": np.array(
            ["above 9 to 30", "above 30 to 110", "from 2 to 9", "missing"], dtype=object
        )
    }
    slices = measure_slices(groups, np.zeros(4, int), np.zeros(4), threshold=0.5, min_outcomes=1)
    assert [it.group for it in slices] == [
        "missing",
        "from 2 to 9",
        "above 9 to 30",
        "above 30 to 110",
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "-"), (0.12345, "0.1235"), (20_000.0, "20,000"), (0.0, "0.0000"), (1, "1")],
)
def test_numbers_keep_four_decimals(value, expected):
    """Counts are whole, shares have four decimals, what is missing is a dash."""
    assert number(value) == expected
