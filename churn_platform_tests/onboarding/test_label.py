"""The label: which values mean 'churned', and which columns were written down after it."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_platform.errors import SpecError
from churn_platform.onboarding.label import Given
from churn_platform_tests.support.onboarding_files import (
    CHURNED,
    ROWS,
    Desk,
    cycle,
    features_of,
    finding_on,
    frame,
)


def labelled(churned: Any, stayed: Any) -> list[Any]:
    """The label of forty customers in the given words."""
    return [churned if it else stayed for it in CHURNED]


@pytest.mark.parametrize(
    ("churned", "stayed"),
    [
        ("True", "False"),
        ("YES", "no"),
        ("T", "F"),
        ("1", "0"),
        ("1.0", "0.0"),
        ("Churned", "Stayed"),
        ("churn", "No churn"),
        ("Attrited Customer", "Existing Customer"),
        ("Churned", "Subscribed"),
    ],
)
def test_label_values_are_recognised(desk: Desk, churned: str, stayed: str) -> None:
    """Usual words in any case tell who churned, and are listed as in the file."""
    onboarded = desk.onboard(desk.csv(frame(churn=labelled(churned, stayed))))
    label = onboarded.portfolio.label
    assert (label.positive, label.negative, onboarded.churn_rate) == ((churned,), (stayed,), 0.25)


@pytest.mark.parametrize(
    ("churned", "stayed", "positive"),
    [(True, False, "true"), (1, 0, "1"), (1.0, 0.0, "1.0"), ("Yes", "No", "Yes")],
)
def test_parquet_labels_are_compared_as_ingest_stores_them(
    desk: Desk, extensions, churned: Any, stayed: Any, positive: str
) -> None:
    """Booleans, integers and floats of a Parquet file are listed as their text, and every label
    comes through.
    """
    file = desk.parquet(frame(churn=labelled(churned, stayed)))
    assert desk.onboard(file).portfolio.label.positive == (positive,)
    _, labels = desk.ingest(file, extensions)
    assert [labels[f"C{row:02d}"] for row in range(ROWS)] == CHURNED


def test_label_in_several_spellings(desk: Desk) -> None:
    """Every spelling in the file is listed on its side."""
    values = [word if row else "yes" for row, word in enumerate(labelled("Yes", "NO"))]
    label = desk.onboard(desk.csv(frame(churn=values))).portfolio.label
    assert (label.positive, label.negative) == (("Yes", "yes"), ("NO",))


def test_missing_labels_are_counted(desk: Desk) -> None:
    """Customers without a label are allowed, counted, and no part of the churn rate."""
    values = ["" if row >= 36 else word for row, word in enumerate(labelled("Yes", "No"))]
    onboarded = desk.onboard(desk.csv(frame(churn=values)))
    assert (onboarded.rows, onboarded.churn_rate) == (40, 9 / 36)
    assert "4 of 40 rows have none" in finding_on(onboarded, "churn")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (cycle("Stayed", "Churned", "Joined"), "'Churned', 'Joined', 'Stayed'"),
        (cycle("red", "blue"), "'blue', 'red'"),
        (cycle("1", "2"), "has 2"),
        (cycle("No"), "has 1 ('No')"),
        (cycle(""), "has 0"),
    ],
)
def test_unclear_label_asks_for_help(desk: Desk, values: list[str], said: str) -> None:
    """A label that does not say who churned is refused with its values, and nothing is written."""
    with pytest.raises(SpecError, match="needs two values") as error:
        desk.onboard(desk.csv(frame(churn=values)))
    assert said in str(error.value)
    assert not (desk.folder / "own" / "acme.yaml").exists()


NOISE = np.random.default_rng(7).normal(size=ROWS)


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("churn_date", ["2025-01-03" if churned else "" for churned in CHURNED]),
        ("reason", [f"moved {row}" if churned else "" for row, churned in enumerate(CHURNED)]),
        ("status", labelled("gone", "here")),
        ("closed", labelled("1", "0")),
        (
            "final_bill",
            [
                9 + noise if churned else noise
                for churned, noise in zip(CHURNED, NOISE, strict=True)
            ],
        ),
        (
            "last_use",
            ["" if churned else noise for churned, noise in zip(CHURNED, NOISE, strict=True)],
        ),
    ],
)
def test_columns_that_know_the_label_are_left_out(
    desk: Desk, header: str, values: list[Any]
) -> None:
    """A level, a number or a gap that tells who churned all by itself is a suspected leak."""
    onboarded = desk.onboard(desk.csv(frame(**{header: values})))
    assert header not in features_of(onboarded)
    assert "suspected leak" in finding_on(onboarded, header)


HUNDRED = [row % 4 == 0 for row in range(400)]


def hundred(**columns: Any) -> pd.DataFrame:
    """Four hundred customers of whom every fourth churned."""
    label = ["Yes" if churned else "No" for churned in HUNDRED]
    ids = [f"C{row}" for row in range(400)]
    return pd.DataFrame({"id": ids, "churn": label, "plan": ["a", "b"] * 200} | columns)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            [int(churned and row < 160) for row, churned in enumerate(HUNDRED)],
            "'0' for all who stayed",
        ),
        (
            ["moved" if churned and row < 160 else "" for row, churned in enumerate(HUNDRED)],
            "missing for all who stayed, and not for 40 who left",
        ),
        (
            [
                "gone" if churned and row < 160 else "abc"[row % 3]
                for row, churned in enumerate(HUNDRED)
            ],
            "all 40 customers with 'gone' left",
        ),
        (
            [
                "" if churned and row < 160 else str(row // 7 % 9)
                for row, churned in enumerate(HUNDRED)
            ],
            "all 40 customers with missing left",
        ),
    ],
)
def test_what_only_those_who_left_have_is_a_leak(desk: Desk, values: list[Any], said: str) -> None:
    """Even where most who left lack it, so that its AUC is far from one."""
    onboarded = desk.onboard(desk.csv(hundred(x=values)))
    assert "x" not in features_of(onboarded)
    assert said in finding_on(onboarded, "x")


@pytest.mark.parametrize(
    "values",
    [
        [9 if churned and row < 160 else row // 7 % 8 for row, churned in enumerate(HUNDRED)],
        ["loyal" if not churned and row < 160 else "" for row, churned in enumerate(HUNDRED)],
        ["rare" if it and row < 24 else "abc"[row // 5 % 3] for row, it in enumerate(HUNDRED)],
    ],
)
def test_what_may_be_chance_or_cause_is_no_leak(desk: Desk, values: list[Any]) -> None:
    """A highest number may drive people away; some loyal customers and a handful prove nothing."""
    onboarded = desk.onboard(desk.csv(hundred(x=values)))
    assert "leak" not in finding_on(onboarded, "x")


def test_leak_stands_in_the_file_as_a_comment(desk: Desk) -> None:
    """The feature that was left out can be put back by hand."""
    text = desk.onboard(desk.csv(frame(status=labelled("gone", "here")))).path.read_text(
        encoding="utf-8"
    )
    assert "\n  # - {name: status, source: status, type: category" in text


def test_harmless_columns_are_no_leaks(desk: Desk) -> None:
    """Noise, a text that differs in every row and a weak signal are not taken for leaks."""
    weak = [noise + churned for churned, noise in zip(CHURNED, NOISE, strict=True)]
    onboarded = desk.onboard(
        desk.csv(frame(noise=NOISE, weak=weak, text=[f"t{row}" for row in range(ROWS)]))
    )
    assert not [finding for finding in onboarded.findings if "leak" in finding]


def test_too_few_customers_to_look_for_leaks(desk: Desk) -> None:
    """Where a handful churned, chance looks like a leak: nothing is accused,
    and a finding says so.
    """
    onboarded = desk.onboard(
        desk.csv(frame(churn=["Yes" if row < 3 else "No" for row in range(ROWS)]))
    )
    assert any("leaks could not be looked for" in finding for finding in onboarded.findings)


def test_the_verdict_on_the_data_is_in_the_spec(desk: Desk) -> None:
    """Before anything is trained a person knows whether it makes sense."""
    onboarded = desk.onboard(desk.csv(frame()))
    assert str(onboarded.verdict).startswith("not enough: 10 of 40 customers with a label churned")
    assert "# The data are not enough: 10 of 40" in onboarded.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "header", ["is_active", "Retained", "Still Subscribed", "Renewed", "not churned", "aktiv"]
)
def test_who_stays_is_not_taken_for_who_left(desk: Desk, header: str) -> None:
    """Where the name speaks of staying, no means churned, and that is said."""
    data = frame().drop(columns="churn").assign(**{header: labelled("0", "1")})
    onboarded = desk.onboard(desk.csv(data), label_column=header)
    assert (onboarded.portfolio.label.positive, onboarded.churn_rate) == (("0",), 0.25)
    assert "tells who stays" in finding_on(onboarded, header)


def test_a_name_that_says_neither_is_asked(desk: Desk) -> None:
    """The refusal gives the whole command for both cases."""
    data = frame().drop(columns="churn").assign(status=labelled("1", "0"))
    with pytest.raises(SpecError, match=r"--positive 1 --negative 0.*--positive 0 --negative 1"):
        desk.onboard(desk.csv(data), label_column="status")
    said = desk.onboard(desk.csv(data), label_column="status", label=Given(("1",), ("0",)))
    assert said.churn_rate == 0.25


def test_more_left_than_stayed_is_questioned(desk: Desk) -> None:
    """The finding has the command that turns it round."""
    onboarded = desk.onboard(desk.csv(frame(churn=labelled("No", "Yes"))))
    assert "--positive No --negative Yes" in finding_on(onboarded, "churn")
