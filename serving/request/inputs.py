"""Reads what a request says about a customer, against the features that the manifest describes."""

import math
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

import numpy as np

from churn_platform.published.format import CUSTOMER_ID, PublishedFeature
from churn_platform.published.plain_numbers import EXACT, number
from churn_platform.published.sentences import decoded, sentence
from churn_platform.published.value_format import (
    MISSING_MARKERS,
    ValueFormat,
    is_missing,
    read_date,
    read_number,
)
from serving.errors import Fault
from serving.request.complete_request import FLOAT32_MAX, whole_reader
from serving.request.suggestions import Suggestions

CUSTOMER_ID_BYTES_MAX = 511
SHOWN_CHARACTERS = 80
NOT_NESTED = "no object: give features by name beside the customer id"
UNKNOWN = "only features that the model knows"
LISTED = f"{UNKNOWN}, GET /schema/openapi.json lists them"
FAULTS_MAX = 20
SUGGESTED_MAX = 5
TRUTH = dict.fromkeys(("yes", "y", "true", "t", "1", "1.0"), 1.0) | dict.fromkeys(
    ("no", "n", "false", "f", "0", "0.0"), 0.0
)
PLAIN = ValueFormat()

Read = Callable[[Any], float]
ReadDays = Callable[[Any, date], float]


class Catalogue:
    """The features of one model as a request may name them: by their own name or by that of the
    source column.
    """

    def __init__(self, features: tuple[PublishedFeature, ...]):
        self.features = features
        self.names = tuple(feature.name for feature in features)
        self.groups = tuple(feature.group for feature in features)

        self.places: dict[str, int] = {}
        self._readers: dict[str, tuple[int, Read]] = {}
        self._days: dict[str, tuple[int, ReadDays]] = {}
        for place, feature in enumerate(features):
            self._name_source(place, feature)

        for place, feature in enumerate(features):  # last: a source of that name does not hide it
            self.places[feature.name] = place
            self._readers[feature.name] = (place, _reader(feature))
            self._days.pop(feature.name, None)

        self._allowed = [allowed(feature) for feature in features]
        self._suggestions = Suggestions(self.places)
        self.whole = whole_reader(features)
        self.defaults = self._encoded("default")
        references = self._encoded("reference")
        self.references = np.where(np.isnan(references), self.defaults, references)

    def _name_source(self, place: int, feature: PublishedFeature) -> None:
        if not feature.source:
            return

        self.places[feature.source] = place
        if feature.format and feature.format.date:
            self._days[feature.source] = (place, _days_reader(feature.format, feature.nullable))
        else:
            self._readers[feature.source] = (place, _reader(feature))

    def read(
        self,
        given: Mapping[str, Any],
        faults: list[Fault],
        *,
        also_known: Collection[str] = (),
        at: str = "",
        as_of: date | None = None,
    ) -> dict[int, float]:
        """Encoded values by place of the features that a request names; what is wrong goes into
        `faults`.

        A missing value is NaN. What others read, as the customer id and the features of another
        model, is `also_known`. Dates become the days before `as_of`.
        """
        values: dict[int, float] = {}
        readers = self._readers

        known = 0
        for name, value in given.items():
            try:
                if name in self._days and as_of:
                    place, days = self._days[name]
                    values[place] = days(value, as_of)
                else:
                    place, reader = readers[name]
                    values[place] = reader(value)

                known += 1
            except KeyError:
                if name not in also_known:
                    is_nested = not at and isinstance(value, dict)
                    hint = NOT_NESTED if is_nested else self._hint(name, len(faults))
                    faults.append(Fault(at + name[:SHOWN_CHARACTERS], shown(value), hint))
            except (ValueError, OverflowError):
                faults.append(Fault(at + name, shown(value), self._allowed[place]))

            # Enough to mend the request; the rest would only make the answer long.
            if faults and len(faults) > FAULTS_MAX:
                break

        # More names than places: a feature came by its own name and by that of its source.
        if known > len(values):
            faults.append(
                Fault(
                    at.rstrip(".") or "features",
                    None,
                    "each feature once, by its own name or that of its source",
                )
            )

        return values

    def _hint(self, name: str, faults_before: int) -> str:
        """What is allowed instead of an unknown name; the first few of a
        request get suggestions.
        """
        near = self._suggestions.near(name) if faults_before < SUGGESTED_MAX else []
        return f"{UNKNOWN}, perhaps {' or '.join(map(repr, near))}" if near else LISTED

    def decoded(self, encoded: np.ndarray) -> dict[str, object]:
        """Values by name."""
        return {
            name: self.value(place, float(encoded[place])) for place, name in enumerate(self.names)
        }

    def example(self) -> dict[str, object]:
        """A typical customer by name, with values that `read` takes: a reference may be one that no
        request may say.
        """
        return {name: self._sayable(place) for place, name in enumerate(self.names)}

    def _sayable(self, place: int) -> object:
        feature, (_, read) = self.features[place], self._readers[self.names[place]]
        low, high = feature.range
        candidates = [
            self.value(place, float(self.references[place])),
            low,
            high,
            0,
            False,
            *feature.levels,
        ]
        for value in candidates:
            try:
                return value if not math.isnan(read(value)) else None
            except (ValueError, TypeError):
                continue

        raise ValueError(f"no value of {feature.name!r} is allowed")

    def value(self, place: int, number: float) -> str | bool | int | float | None:
        """The value that an encoded number of the feature at `place` means."""
        feature = self.features[place]
        return decoded(number, feature.type, feature.levels)

    def sentence(self, place: int, number: float) -> str:
        """What the catalogue says of a known value of the feature at `place`."""
        value = self.value(place, number)
        if value is None:
            return f"{self.names[place]} has a level that is newer than this model"
        return sentence(self.features[place].reason, value)

    def _encoded(self, attribute: str) -> np.ndarray:
        values = [getattr(feature, attribute) for feature in self.features]
        numbers = [
            _reader(feature, strict=False)(value) if value is not None else math.nan
            for value, feature in zip(values, self.features, strict=True)
        ]
        return np.array(numbers, dtype=np.float32)


def read_customer_id(
    given: Mapping[str, Any], faults: list[Fault], *, id_column: str
) -> str | None:
    """The customer id that a request gives, by our name or the source's `id_column`; None if it
    gives none.
    """
    value = given.get(CUSTOMER_ID)
    if id_column != CUSTOMER_ID and id_column in given:
        if value is not None:
            faults.append(
                Fault(id_column, shown(given[id_column]), f"{CUSTOMER_ID} or {id_column}, not both")
            )

        value = given[id_column]
        # `is int`, because True is an int as well and must not pass for a level.
        if value.__class__ is int:
            value = str(value)  # as ingest reads a number that is an id

    if value is None or (
        isinstance(value, str) and len(value) > 0 and _utf8_bytes(value) <= CUSTOMER_ID_BYTES_MAX
    ):
        return value

    faults.append(Fault(CUSTOMER_ID, shown(value), "text of 1 to 511 bytes"))
    return None


def allowed(feature: PublishedFeature) -> str:
    """What a request may say of a feature, in words."""
    if feature.type == "category" and feature.other is not None:
        text = "a text"
    elif feature.type == "category":
        text = f"one of {', '.join(map(repr, feature.levels))}"
    elif feature.type == "boolean":
        text = "true or false"
    else:
        text = ("a whole number" if feature.type == "integer" else "a number") + _bounds(feature)
        if feature.format and feature.format.date:
            text = (
                f"{text} by its own name, or a day as {feature.format.date} by the name of its "
                "source"
            )

    return f"{text}, or null" if feature.nullable else text


def _bounds(feature: PublishedFeature) -> str:
    low, high = feature.range
    if low is not None and high is not None:
        return f" from {_exact(low)} to {_exact(high)}"

    return (
        f" of at least {_exact(low)}"
        if low is not None
        else f" of at most {_exact(high)}"
        if high is not None
        else ""
    )


def _reader(feature: PublishedFeature, *, strict: bool = True) -> Read:
    """A function from the value in a request to its encoding, NaN for missing; ValueError if it
    is not allowed.
    """
    if feature.type == "category":
        codes = {level: float(code) for code, level in enumerate(feature.levels)}
        other = codes[feature.other] if feature.other is not None else None
        return _level_reader(codes, other, feature.nullable)

    if feature.type == "boolean":
        return _truth_reader(feature.nullable)

    low, high = feature.range if strict else (None, None)
    return _number_reader(
        -FLOAT32_MAX if low is None else low,
        FLOAT32_MAX if high is None else high,
        feature.format or PLAIN,
        whole=feature.type == "integer" and strict,
        nullable=feature.nullable,
    )


def _level_reader(known: dict[str, float], other: float | None, nullable: bool) -> Read:
    def read(value: Any) -> float:
        if value.__class__ is int:
            value = str(value)

        if value.__class__ is str and value.strip():
            code = known.get(value, known.get(value.strip(), other))
            if code is not None:
                return code

        return _missing(value, nullable)

    return read


def _truth_reader(nullable: bool) -> Read:
    def read(value: Any) -> float:
        if value is True:
            return 1.0
        if value is False:
            return 0.0
        if value.__class__ in (str, int, float) and (text := str(value).strip().lower()) in TRUTH:
            return TRUTH[text]

        return _missing(value, nullable, PLAIN)

    return read


def _days_reader(form: ValueFormat, nullable: bool) -> ReadDays:
    """Reads a day as the source writes it: the days from it to `as_of`."""

    def read(value: Any, as_of: date) -> float:
        if value.__class__ in (int, float):
            value = f"{value:.0f}"

        if (
            value.__class__ is str
            and not is_missing(value, form)
            and value.strip().lower() not in MISSING_MARKERS
        ):
            return float((as_of - read_date(value, form)).days)

        return _missing(value, nullable, form)

    return read


def _number_reader(
    low: float, high: float, form: ValueFormat, *, whole: bool, nullable: bool
) -> Read:
    def read(value: Any) -> float:
        kind = value.__class__
        if kind is str:
            if is_missing(value, form) or value.strip().lower() in MISSING_MARKERS:
                return _missing(value, nullable, form)
            value = read_number(value, form)
            kind = float

        if (
            (kind is int or kind is float)
            and low <= value <= high
            and not (whole and kind is float and value % 1)
        ):
            return value

        return _missing(value, nullable)

    return read


def _missing(value: Any, nullable: bool, form: ValueFormat | None = None) -> float:
    """NaN for null, a blank or, but for texts, a word for missing, where that is allowed."""
    is_text = value.__class__ is str
    is_blank = is_text and not value.strip()
    is_word = (
        is_text
        and form is not None
        and (is_missing(value, form) or value.strip().lower() in MISSING_MARKERS)
    )
    if nullable and (value is None or is_blank or is_word):
        return math.nan

    raise ValueError


def _utf8_bytes(text: str) -> int:
    return len(text.encode())


def shown(value: Any) -> object:
    """A value as an error repeats it: short, and nothing of a nested one."""
    if isinstance(value, str):
        return value[:SHOWN_CHARACTERS]
    return value if value is None or isinstance(value, bool | int | float) else type(value).__name__


def _exact(bound: float) -> str:
    return number(bound, digits=EXACT)
