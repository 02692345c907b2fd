"""A push keeps what a model reads, by the features' own names."""

from datetime import date

import pytest

from churn_platform.published.format import PublishedFeature
from churn_platform.published.value_format import ValueFormat
from serving.errors import Fault
from serving.request.inputs import Catalogue
from serving.request.pushed_values import values_to_keep

AS_OF = date(2025, 3, 1)
PADDING = " " * 1_000_000


def feature(
    name: str, kind: str, *, source: str | None = None, high: float | None = None, **changes: object
):
    """A feature of two levels, where it has any; missing is allowed."""
    levels = ("day", "night", "other") if kind == "category" else ()
    bounds = (0, high)
    return PublishedFeature(
        name, kind, None, bounds, levels, True, None, source, name, "{value}", **changes
    )  # type: ignore[arg-type]


CHAMPION = Catalogue(
    (
        feature("calls", "integer", source="Calls", high=50),
        feature("spent", "number", format=ValueFormat(decimal=",", affixes=("EUR",))),
        feature("is_late", "boolean"),
        feature("plan", "category", other="other"),
        feature("tenure_days", "integer", source="Joined", format=ValueFormat(date="%d.%m.%Y")),
    )
)
CHALLENGER = Catalogue(
    (feature("calls", "integer", high=5), feature("months", "integer", source="Months", high=99))
)


def keep(given: dict[str, object], *catalogues: Catalogue):
    """(values, what is wrong)."""
    faults: list[Fault] = []
    return values_to_keep(
        catalogues or (CHAMPION,), given, faults, as_of=AS_OF, at="features."
    ), faults


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"calls": "5" + PADDING}, {"calls": 5}),
        ({"Calls": " 5 "}, {"calls": 5}),
        ({"spent": "12,50 EUR"}, {"spent": 12.5}),
        ({"is_late": "Yes" + PADDING}, {"is_late": True}),
        ({"plan": PADDING + "night"}, {"plan": "night"}),
        ({"plan": "x" * 1_000_000}, {"plan": "other"}),
        ({"plan": PADDING}, {"plan": None}),
        ({"Joined": "27.02.2025"}, {"tenure_days": 2}),
        ({"Joined": "27.02.2025 09:00" + PADDING}, {"tenure_days": 2}),
        ({"Joined": None}, {"tenure_days": None}),
    ],
)
def test_the_value_is_kept_and_not_the_text(given, kept):
    """Numbers, truth and levels as read; a day as days before the end of the served month."""
    assert keep(given) == (kept, [])


@pytest.mark.parametrize(
    "given", [{"calls": "five"}, {"calls": 51}, {"Joined": "soon"}, {"nobody": 1}]
)
def test_what_the_champion_cannot_read_is_named_once(given):
    """However many models there are."""
    kept, faults = keep(given, CHAMPION, CHALLENGER)
    assert kept == {}
    assert [fault.field for fault in faults] == [f"features.{name}" for name in given]


def test_a_feature_of_the_challenger_is_read_by_it():
    """And refused by it; of what both know, the champion says what is allowed."""
    assert keep({"Months": "7" + PADDING, "calls": 9}, CHAMPION, CHALLENGER) == (
        {"months": 7, "calls": 9},
        [],
    )
    assert [fault.field for fault in keep({"Months": "x"}, CHAMPION, CHALLENGER)[1]] == [
        "features.Months"
    ]


def test_a_feature_under_both_names_is_refused():
    """Nobody knows which value is meant."""
    assert [fault.field for fault in keep({"calls": 1, "Calls": 2})[1]] == ["features"]
