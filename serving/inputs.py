"""Reads what a request says about a customer, against the features that the manifest describes."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from churn_platform.published.contract import CUSTOMER_ID, PublishedFeature
from churn_platform.published.sentences import decoded, sentence
from serving.errors import Fault
from serving.suggestions import Suggestions
from serving.whole import FLOAT32_MAX, whole_reader

CUSTOMER_ID_BYTES_MAX = 511
SHOWN_CHARACTERS = 80
NOT_NESTED = "no object: features stand by name beside the customer id"
UNKNOWN = "only features that the model knows"
LISTED = f"{UNKNOWN}, GET /schema/openapi.json lists them"
FAULTS_MAX = 20
SUGGESTED_MAX = 5
TRUTH = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}

Read = Callable[[Any], float]


class Catalogue:
    """The features of one model as a request may name them: by their own name or by that of the source column."""

    def __init__(self, features: tuple[PublishedFeature, ...]):
        self.features = features
        self.names = tuple(feature.name for feature in features)
        self.places: dict[str, int] = {}
        self._readers: dict[str, tuple[int, Read]] = {}
        for place, feature in enumerate(features):
            for name in {feature.name, feature.source or feature.name}:
                self.places[name] = place
                self._readers[name] = (place, _reader(feature))
        self._allowed = [allowed(feature) for feature in features]
        self._suggestions = Suggestions(self.places)
        self.whole = whole_reader(features)
        self.defaults = self._encoded("default")
        references = self._encoded("reference")
        self.references = np.where(np.isnan(references), self.defaults, references)

    def read(
        self, given: Mapping[str, Any], faults: list[Fault], *, also_known: Collection[str] = (), at: str = ""
    ) -> dict[int, float]:
        """Encoded values by place of the features that a request names; what is wrong goes into `faults`.

        A missing value is NaN. What others read, as the customer id and the features of another model, is `also_known`.
        """
        values: dict[int, float] = {}
        readers = self._readers
        known = 0
        for name, value in given.items():
            try:
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
            if faults and len(faults) > FAULTS_MAX:
                break
        if known > len(values):
            faults.append(Fault(at or "features", None, "each feature once, by its own name or that of its source"))
        return values

    def _hint(self, name: str, faults_before: int) -> str:
        """What is allowed instead of an unknown name; the first few of a request get suggestions."""
        near = self._suggestions.near(name) if faults_before < SUGGESTED_MAX else []
        return f"{UNKNOWN}, perhaps {' or '.join(map(repr, near))}" if near else LISTED

    def decoded(self, encoded: np.ndarray) -> dict[str, object]:
        """Values by name."""
        return {name: self.value(place, float(encoded[place])) for place, name in enumerate(self.names)}

    def example(self) -> dict[str, object]:
        """A typical customer by name, with values that `read` takes: a reference may be one that no request may say."""
        return {name: self._sayable(place) for place, name in enumerate(self.names)}

    def _sayable(self, place: int) -> object:
        feature, (_, read) = self.features[place], self._readers[self.names[place]]
        low, high = feature.range
        candidates = [self.value(place, float(self.references[place])), low, high, 0, False, *feature.levels]
        for value in candidates:
            try:
                return value if not math.isnan(read(value)) else None
            except (ValueError, TypeError):
                continue
        raise ValueError(f"no value of {feature.name!r} is allowed")

    def value(self, place: int, number: float) -> str | bool | int | float | None:
        """The value that an encoded number of the feature at `place` stands for."""
        feature = self.features[place]
        return decoded(number, feature.type, feature.levels)

    def sentence(self, place: int, number: float) -> str:
        """What the catalogue says of a known value of the feature at `place`."""
        value = self.value(place, number)
        assert value is not None, "there is no sentence on what is missing"
        return sentence(self.features[place].reason, value)

    def _encoded(self, attribute: str) -> np.ndarray:
        values = [getattr(feature, attribute) for feature in self.features]
        numbers = [
            _reader(feature, strict=False)(value) if value is not None else math.nan
            for value, feature in zip(values, self.features, strict=True)
        ]
        return np.array(numbers, dtype=np.float32)


def read_customer_id(given: Mapping[str, Any], faults: list[Fault], *, id_column: str) -> str | None:
    """The customer id that a request gives, by our name or the source's `id_column`; None where it gives none."""
    value = given.get(CUSTOMER_ID)
    if id_column != CUSTOMER_ID and id_column in given:
        if value is not None:
            faults.append(Fault(id_column, shown(given[id_column]), f"{CUSTOMER_ID} or {id_column}, not both"))
        value = given[id_column]
    if value is None or (isinstance(value, str) and len(value) > 0 and _utf8_bytes(value) <= CUSTOMER_ID_BYTES_MAX):
        return value
    faults.append(Fault(CUSTOMER_ID, shown(value), "text of 1 to 511 bytes"))
    return None


def allowed(feature: PublishedFeature) -> str:
    """What a request may say of a feature, in words."""
    if feature.type == "category":
        text = f"one of {', '.join(map(repr, feature.levels))}"
    elif feature.type == "boolean":
        text = "true or false"
    else:
        text = ("a whole number" if feature.type == "integer" else "a number") + _bounds(feature)
    return f"{text}, or null" if feature.nullable else text


def _bounds(feature: PublishedFeature) -> str:
    low, high = feature.range
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    return f" of at least {low:g}" if low is not None else f" of at most {high:g}" if high is not None else ""


def _reader(feature: PublishedFeature, *, strict: bool = True) -> Read:
    """A function from the value in a request to its encoding, NaN for missing; ValueError where it is not allowed."""
    if feature.type == "category":
        return _level_reader({level: float(code) for code, level in enumerate(feature.levels)}, feature.nullable)
    if feature.type == "boolean":
        return _truth_reader(feature.nullable)
    low, high = feature.range if strict else (None, None)
    bottom, top = -FLOAT32_MAX if low is None else low, FLOAT32_MAX if high is None else high
    return _number_reader(bottom, top, whole=feature.type == "integer" and strict, nullable=feature.nullable)


def _level_reader(known: dict[str, float], nullable: bool) -> Read:
    def read(value: Any) -> float:
        if value.__class__ is str and value in known:
            return known[value]
        return _missing(value, nullable)

    return read


def _truth_reader(nullable: bool) -> Read:
    def read(value: Any) -> float:
        if value is True:
            return 1.0
        if value is False:
            return 0.0
        if value.__class__ in (str, int) and (text := str(value).strip().lower()) in TRUTH:
            return TRUTH[text]
        return _missing(value, nullable)

    return read


def _number_reader(low: float, high: float, *, whole: bool, nullable: bool) -> Read:
    def read(value: Any) -> float:
        kind = value.__class__
        if kind is str and value.strip():
            value = float(value) if value.isascii() and "_" not in value else math.nan
            kind = float
        if (kind is int or kind is float) and low <= value <= high and not (whole and kind is float and value % 1):
            return value
        return _missing(value, nullable)

    return read


def _missing(value: Any, nullable: bool) -> float:
    """NaN for null or a blank, where that is allowed."""
    if nullable and (value is None or (value.__class__ is str and not value.strip())):
        return math.nan
    raise ValueError


def _utf8_bytes(text: str) -> int:
    return len(text.encode())


def shown(value: Any) -> object:
    """A value as an error repeats it: short, and nothing of a nested one."""
    if isinstance(value, str):
        return value[:SHOWN_CHARACTERS]
    return value if value is None or isinstance(value, bool | int | float) else type(value).__name__
