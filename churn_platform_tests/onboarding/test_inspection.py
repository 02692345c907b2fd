"""What a column becomes: its type, name, levels, range, or the reason why it is left out."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from churn_platform.errors import SpecError
from churn_platform.onboarding import stack
from churn_platform.onboarding.understanding import Hints
from churn_platform.portfolios.spec import Portfolio
from churn_platform_tests.support.onboarding_files import (
    ROWS,
    Desk,
    cycle,
    features_of,
    finding_on,
    frame,
)


@pytest.mark.parametrize(
    ("values", "kind", "nullable"),
    [
        (cycle("1", "2", "30"), "integer", False),
        (cycle("1", "2", ""), "integer", True),
        (cycle("1.5", "2", "NA"), "number", True),
        (cycle("1", " n/a", "?", "-", "null", "None", "NaN", "7"), "integer", True),
        (cycle("-1.5", "2e3"), "number", False),
        (cycle("1234.56", "9876.50"), "number", False),
        (cycle("True", "FALSE"), "boolean", False),
        (cycle("Y", "n", ""), "boolean", True),
        (cycle("0", "1"), "boolean", False),
        (cycle("red", "Blue", "No"), "category", False),
        (cycle("red", "blue", " "), "category", True),
        (cycle("1", "2", "many"), "category", False),
        (cycle("007", "010", "123"), "category", False),
    ],
)
def test_type_follows_every_value_of_a_csv_column(
    desk: Desk, values: list[str], kind: str, nullable: bool
) -> None:
    """The type is one that reads every value; blanks and, except in texts, words for 'missing' make
    it nullable.
    """
    feature = features_of(desk.onboard(desk.csv(frame(value=values))))["value"]
    assert (feature.type, feature.nullable) == (kind, nullable)


@pytest.mark.parametrize(
    ("values", "kind", "nullable"),
    [
        (pd.array(cycle(True, False, None), dtype="boolean"), "boolean", True),
        (pd.array(cycle(1, 2, None), dtype="Int64"), "integer", True),
        (np.array(cycle(1.0, 2.0, np.nan)), "number", True),
        (np.array(cycle(0.0, 1.0)), "boolean", False),
        (pd.Categorical(cycle("a", "b")), "category", False),
    ],
)
def test_type_follows_parquet_types(
    desk: Desk, values: pd.api.extensions.ExtensionArray, kind: str, nullable: bool
):
    """Typed Parquet columns keep their meaning; NaN and null are missing."""
    feature = features_of(desk.onboard(desk.parquet(frame(value=values))))["value"]
    assert (feature.type, feature.nullable) == (kind, nullable)


def test_levels_are_as_ingest_stores_them(desk: Desk) -> None:
    """Levels are trimmed and listed once, and a word for 'missing' stays a level of a text."""
    feature = features_of(
        desk.onboard(desk.csv(frame(colour=cycle("red", " red ", "N/A", 'dark "red", #1'))))
    )["colour"]
    assert feature.levels == ("N/A", 'dark "red", #1', "red")


def test_range_leaves_room_for_next_month(desk: Desk) -> None:
    """A column without negatives is bounded by 0 alone, one with negatives not at all."""
    features = features_of(
        desk.onboard(desk.csv(frame(bill=cycle("10", "20"), balance=cycle("-3", "5"))))
    )
    assert features["bill"].range == (0, None)
    assert features["balance"].range == (None, None)


@pytest.mark.parametrize(
    ("header", "values", "said"),
    [
        ("nothing", [""] * ROWS, "empty"),
        ("unknown", cycle("NA", "?"), "empty"),
        ("same", ["x"] * ROWS, "constant"),
        ("flag", cycle("Y", ""), "or missing"),
        ("notes", [f"text {row % 39}" for row in range(ROWS)], "suspected id"),
        ("until", cycle("31/01/2024", "1.2.2024"), "a date"),
        ("from", cycle("2024.01.31", "2023-02"), "a date"),
        ("phone", [str(3331110000 + 7 * row) for row in range(ROWS)], "suspected id"),
        ("row", [str(row) for row in range(ROWS)], "suspected id"),
    ],
)
def test_useless_columns_are_left_out_with_a_reason(
    desk: Desk, header: str, values: list[str], said: str
) -> None:
    """Empty and constant columns, dates and ids are no features, and a finding says why."""
    onboarded = desk.onboard(desk.csv(frame(**{header: values})))
    assert header not in features_of(onboarded)
    assert f"{header!r} left out" in finding_on(onboarded, header) and said in finding_on(
        onboarded, header
    )


def many(levels: int, rows: int) -> pd.DataFrame:
    """Customers of so many states, of whom the first of each five churned."""
    numbers = range(rows)
    return pd.DataFrame(
        {
            "id": [f"C{row}" for row in numbers],
            "state": [f"S{row % levels:03d}" for row in numbers],
            "price": [f"${row % 60}.50" for row in numbers],
            "churn": ["Yes" if row // 7 % 5 == 0 else "No" for row in numbers],
        }
    )


@pytest.mark.parametrize("rare", [0, 30, 300])
def test_of_many_levels_the_frequent_ones_are_used(desk: Desk, extensions: Path, rare: int) -> None:
    """Fifty levels stand for themselves; of more the frequent ones, and one for the rest, as in
    ingest.
    """
    data = many(50, 600)
    data.loc[: rare - 1, "state"] = [f"R{row}" for row in range(rare)]
    file = desk.csv(data)
    onboarded = desk.onboard(file)
    feature = features_of(onboarded)["state"]
    assert (len(feature.levels), feature.other) == ((50, None) if not rare else (50, "other"))
    rows, _ = desk.ingest(file, extensions)
    states = [row["state"] for row in rows]
    assert states.count("other") >= rare
    assert set(states) <= set(feature.levels)
    assert ("levels: the 49 most frequent" in finding_on(onboarded, "state")) is (rare > 0)


def test_a_level_that_is_called_other_stands_for_the_rest(desk: Desk) -> None:
    """No second one is made beside it."""
    data = many(60, 600)
    data.loc[data.index % 7 == 0, "state"] = "Others"
    assert features_of(desk.onboard(desk.csv(data)))["state"].other == "Others"


@pytest.mark.parametrize(
    ("header", "values", "said"),
    [
        ("note", [f"called on day {row // 2} about it" for row in range(300)], "free text"),
        ("household_id", [str(row * 37 // 2) for row in range(300)], "suspected id by its name"),
        ("place", [f"p{row * 2 // 3}" for row in range(300)], "frequent ones cover too few rows"),
    ],
)
def test_texts_and_numbers_that_stand_for_one_are_left_out(
    desk: Desk, header: str, values: list[str], said: str
) -> None:
    """Free text, numbers of one household and texts without frequent ones are no features."""
    onboarded = desk.onboard(desk.csv(many(5, 300).assign(**{header: values})))
    assert header not in features_of(onboarded)
    assert said in finding_on(onboarded, header)


def test_unique_integer_that_is_no_id_is_kept(desk: Desk) -> None:
    """A measured integer may differ in every row; it is used, and the doubt is reported."""
    onboarded = desk.onboard(
        desk.csv(frame(bytes_used=[str(row * row * 977) for row in range(ROWS)]))
    )
    assert features_of(onboarded)["bytes_used"].type == "integer"
    assert "remove it if it is an id" in finding_on(onboarded, "bytes_used")


def test_infinite_values_are_missing_and_nested_columns_left_out(desk: Desk) -> None:
    """What no model can take is no feature; an infinite number counts as
    missing, and that is said.
    """
    onboarded = desk.onboard(
        desk.parquet(frame(ratio=cycle(1.5, np.inf), history=cycle([1, 2], [3])))
    )
    assert list(features_of(onboarded)) == ["plan", "ratio"]
    assert "count as missing" in finding_on(onboarded, "ratio")


def test_feature_names_are_identifiers_and_sources_keep_the_header(desk: Desk) -> None:
    """Names are valid, not reserved and distinct, in any alphabet; the header
    is kept as it stands.
    """
    headers = {
        "  Total  Charges": "total_charges",
        "InternetService": "internet_service",
        "3g usage": "column_3g_usage",
        "Month": "month_2",
        "Churned": "churned_2",
        "Straße": "strasse",
        "Возраст": "column_7",
        "{}": "column_8",
        "a-b": "a_b",
        "a" * 80: "a" * 58,
        "a" * 79 + "b": "a" * 58 + "_2",
    }
    data = frame(**{header: cycle(str(place), "x") for place, header in enumerate(headers)}).drop(
        columns="plan"
    )
    features = desk.onboard(desk.parquet(data)).portfolio.features
    assert {feature.source: feature.name for feature in features} == headers
    assert features[0].reason == "Total charges: {value}"


@pytest.mark.parametrize(
    "header", ["Gender", "sex", "Age", "age_group", "SeniorCitizen", "maritalStatus", "Nationality"]
)
def test_protected_attributes_are_guessed(desk: Desk, header: str) -> None:
    """Usual names of protected attributes are watched, with a finding that asks
    for confirmation.
    """
    onboarded = desk.onboard(desk.csv(frame(**{header: cycle("u", "v")})))
    (name,) = onboarded.portfolio.protected_attributes
    assert features_of(onboarded)[name].protected
    assert "confirm" in finding_on(onboarded, header)


@pytest.mark.parametrize(
    "header", ["data_usage", "average_bill", "AccountAge", "package", "message_count"]
)
def test_look_alikes_are_not_protected(desk: Desk, header: str) -> None:
    """'Age' inside another word, or the age of a thing, is nobody's age."""
    assert (
        desk.onboard(desk.csv(frame(**{header: cycle("3", "4")}))).portfolio.protected_attributes
        == ()
    )


def test_protected_attributes_may_be_named(desk: Desk) -> None:
    """A column named as protected is, without a doubt being reported."""
    onboarded = desk.onboard(desk.csv(frame(Region=cycle("n", "s"))), protected=["region"])
    assert onboarded.portfolio.protected_attributes == ("region",)
    assert finding_on(onboarded, "Region") == ""


def test_what_is_left_out_can_be_put_back(desk: Desk) -> None:
    """Removing the '#' of a feature that was left out gives a valid spec with that feature."""
    onboarded = desk.onboard(desk.csv(frame(row=[str(row) for row in range(ROWS)])))
    text = re.sub(
        r"^  # - ", "  - ", onboarded.path.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    assert Portfolio.model_validate(yaml.safe_load(text)).feature_names == ["plan", "row"]


def test_ids_are_found_however_many_rows_there_are(desk: Desk) -> None:
    """An id beyond the levels that are counted one by one is still known to differ in every row."""
    rows = range(3000)
    label = ["Yes" if row // 7 % 5 == 0 else "No" for row in rows]
    data = pd.DataFrame(
        {"id": rows, "account": [row * 11 + 5 for row in rows], "calls": [row % 90 for row in rows]}
    )
    onboarded = desk.onboard(desk.parquet(data.assign(churn=label)))
    assert list(features_of(onboarded)) == ["calls"]
    assert "suspected id" in finding_on(onboarded, "account")


def test_a_day_is_a_feature_of_its_own(desk: Desk) -> None:
    """The days before the month's end, in the order of day and month that one value shows; an open
    order is asked.
    """
    days = cycle("03/11/2018", "25/01/2016")
    feature = features_of(desk.onboard(desk.csv(frame(joined=days))))["joined_days"]
    assert (feature.source, feature.type, feature.format.date) == ("joined", "integer", "%d/%m/%Y")
    with pytest.raises(SpecError, match="--date-order day-first"):
        desk.onboard(desk.csv(frame(joined=cycle("03/11/2018", "05/01/2016"))), name="other")


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (("624", "1.234", "11.618"), (",", ".")),
        (("1.234.567", "1.234"), (",", ".")),
        (("1.5", "1.234"), None),
        (("1.234", "4567"), None),
        (("62,44", "1,5"), (",", "")),
        (("$5.00", "$7.5"), (".", "")),
        (("(5.1)", "7.2"), (".", "")),
    ],
)
def test_numbers_are_read_as_the_column_writes_them(
    desk: Desk, values: tuple[str, ...], form: Any
) -> None:
    """Thousands, decimals, currencies and signs are decided from all values,
    and kept in the spec.
    """
    feature = features_of(desk.onboard(desk.csv(frame(x=cycle(*values)))))["x"]
    assert feature.type in ("number", "integer")
    assert (feature.format and (feature.format.decimal, feature.format.thousands)) == form


def test_a_sign_that_may_be_both_is_asked(desk: Desk) -> None:
    """1.234 alone is neither read as 1.234 nor as 1234."""
    file = desk.csv(frame(x=cycle("1.234", "5.678")))
    with pytest.raises(SpecError, match=r"--decimal , --thousands \."):
        desk.onboard(file)
    said = desk.onboard(file, hints=Hints(decimal=",", thousands="."))
    assert features_of(said)["x"].format.thousands == "."


def test_many_columns_take_few_statements_over_a_bounded_table(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The columns are measured in parts, and the parts find what all together find."""
    columns = {
        "tone": cycle("red", "blue"),
        "calls": cycle("1", "2", "30"),
        "note": [f"n{row}" for row in range(ROWS)],
    }
    file = desk.csv(frame(**columns))
    together = desk.onboard(file)
    monkeypatch.setattr(stack, "VALUES_AT_ONCE", ROWS)  # one column at once
    apart = desk.onboard(file, overwrite=True)
    assert features_of(together)["tone"].levels == ("blue", "red")
    assert (apart.portfolio, apart.findings) == (together.portfolio, together.findings)


class Counting:
    """A connection to DuckDB that counts its statements."""

    def __init__(self, path: Path):
        self.connection = duckdb.connect(path)
        self.statements = 0

    def __enter__(self) -> "Counting":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def execute(self, *arguments: Any) -> duckdb.DuckDBPyConnection:
        """Run a statement."""
        self.statements += 1
        return self.connection.execute(*arguments)


def test_statements_do_not_grow_with_the_columns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns of one kind are looked at together: thousands of statements take minutes."""
    # The package exports the function of that name, which hides the module.
    module = sys.modules["churn_platform.onboarding.onboard"]
    opened: list[Counting] = []

    def connect(path: Path) -> Counting:
        opened.append(Counting(path))
        return opened[-1]

    monkeypatch.setattr(module, "duckdb", SimpleNamespace(connect=connect, Error=duckdb.Error))
    for number in (2, 20):
        kinds = {
            "price": ("1,5", "2,25"),
            "joined": ("2024-01-31", "2023-05-01"),
            "tone": ("a", "b"),
        }
        columns = {f"{it}{n}": cycle(*kinds[it]) for it in kinds for n in range(number)}
        desk.onboard(desk.csv(frame(**columns)), overwrite=True)
    few, many_of_them = (it.statements for it in opened)
    assert few == many_of_them
