"""Finds what makes no sense in a manifest that is valid JSON, before a request meets it."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from churn_platform.published.format import (
    CUSTOMER_ID,
    FeaturesManifest,
    ModelManifest,
    PublishedFeature,
    Tier,
)
from churn_platform.published.sentences import sentence
from churn_platform.published.value_format import EPOCH, ValueFormat, read_date, read_number
from serving.errors import BundleError
from serving.request.complete_request import FLOAT32_MAX

KINDS = ("number", "integer", "boolean", "category")
SHOWN_FAULTS = 5
NAME_CHARACTERS_MAX = 200
REASON_CHARACTERS_MAX = 1_000
FIELDS = re.compile(r"\{[^}]*\}")
FORMAT_DIGITS = re.compile(r"\d{3,}")  # a width of a billion would fill the memory
SOME_DAY = date(2024, 2, 1)  # the first, for some columns name the month alone
NUMBERS_TOLD = (-1.0, 0.0, 1.0, 2.5)

NOT_IN_NAMES = '"\\'

Value = float | int | str | bool


def refuse_nonsense(folder: Path, faults: Iterable[str]) -> None:
    """BundleError with the first faults, where there is any."""
    if found := list(faults):
        raise BundleError(
            f"{folder}: the manifest makes no sense: {'; '.join(found[:SHOWN_FAULTS])}"
        )


def model_faults(manifest: ModelManifest) -> Iterator[str]:
    """What is wrong with a model's manifest, a sentence each."""
    names = [feature.name for feature in manifest.features]
    yield from _name_faults(names)
    for reserved in {CUSTOMER_ID, manifest.id_column} & set(names):
        yield f"feature {reserved!r} has the name of the customer id"

    if not manifest.id_column:
        yield "id_column is empty"

    for feature in manifest.features:
        yield from feature_faults(feature)

    yield from tier_faults(manifest.tiers)
    yield from _share_faults(manifest)
    if not all(map(math.isfinite, (manifest.calibration_slope, manifest.calibration_intercept))):
        yield "the calibration is not finite"

    if len(manifest.smoke.features) != len(names):
        yield (
            f"the recorded prediction has {len(manifest.smoke.features)} "
            f"values for {len(names)} features"
        )

    yield from _file_faults(manifest.sha256)


def features_faults(manifest: FeaturesManifest) -> Iterator[str]:
    """What is wrong with the manifest of a month of features, a sentence each."""
    yield from _name_faults(manifest.features)
    yield from _file_faults(manifest.sha256)


def feature_faults(feature: PublishedFeature) -> Iterator[str]:
    """What is wrong with one feature."""
    about = f"feature {feature.name[:NAME_CHARACTERS_MAX]!r}"
    if feature.type not in KINDS:
        yield (
            f"{about} has the type {feature.type[:NAME_CHARACTERS_MAX]!r}, "
            f"not one of {', '.join(KINDS)}"
        )
        return

    if feature.type == "category" and not feature.levels:
        yield f"{about} is a category without levels"

    if len(set(feature.levels)) < len(feature.levels):
        yield f"{about} names a level twice"

    yield from _range_faults(about, feature.range)
    for field in ("default", "reference"):
        value = getattr(feature, field)
        if value is not None and not _is_value(feature, value):
            yield (
                f"{about} has the {field} {str(value)[:NAME_CHARACTERS_MAX]!r}, "
                f"which is no {feature.type} of it"
            )

    if feature.importance is not None and not math.isfinite(feature.importance):
        yield f"{about} has the importance {feature.importance}"

    if feature.other is not None and feature.other not in feature.levels:
        yield (
            f"{about} has the other {feature.other[:NAME_CHARACTERS_MAX]!r}, "
            "which is no level of it"
        )

    if feature.format and not _is_readable(feature.format):
        yield f"{about} has a format that reads neither a number nor a day: {feature.format}"

    yield from _reason_faults(about, feature)


def _is_readable(form: ValueFormat) -> bool:
    """Whether the format reads what it writes."""
    # A request with a value in it must not be the first to find out.
    try:
        has_read = read_number(f"1{form.decimal}5", form) == 1.5
        if form.date and form.date not in EPOCH:
            has_read = has_read and read_date(SOME_DAY.strftime(form.date), form) == SOME_DAY
    except (ValueError, re.error):
        return False

    return has_read


def tier_faults(tiers: tuple[Tier, ...]) -> Iterator[str]:
    """What keeps the tiers from covering every probability, the highest first."""
    bounds = [tier.lower_bound for tier in tiers]
    names = [tier.name for tier in tiers]
    if not tiers or not all(names) or len(set(names)) < len(names):
        yield f"tiers are named {names}; each needs a name of its own, and there must be one"

    if bounds != sorted(bounds, reverse=True):
        yield f"tiers begin at {bounds}; the highest must come first"

    if tiers and (
        bounds[-1] != 0 or not math.isfinite(bounds[0])
    ):  # dear contacts may put one beyond 1
        yield f"tiers begin at {bounds}; they must cover every probability, the lowest from 0"


def _name_faults(names: Iterable[str]) -> Iterator[str]:
    counts = Counter(names)
    if not counts:
        yield "there is no feature"

    for name, count in counts.items():
        if count > 1:
            yield f"feature {name[:NAME_CHARACTERS_MAX]!r} is there {count} times"

        if not 0 < len(name) <= NAME_CHARACTERS_MAX:
            yield (
                f"a feature has a name of {len(name)} characters; "
                f"1 to {NAME_CHARACTERS_MAX} are possible"
            )

        if not name.isprintable() or set(name) & set(NOT_IN_NAMES):
            yield (
                f"feature {name[:NAME_CHARACTERS_MAX]!r} has a character that JSON would have to "
                "escape"
            )


def _range_faults(about: str, bounds: tuple[float | None, float | None]) -> Iterator[str]:
    low, high = bounds
    known = [bound for bound in bounds if bound is not None]
    if not all(map(math.isfinite, known)) or (low is not None and high is not None and low > high):
        yield f"{about} has the range {list(bounds)}"


def _is_value(feature: PublishedFeature, value: Value) -> bool:
    """Whether it is a value of the feature's type."""
    # Its range may exclude it: that binds requests, not the hold-out.
    if feature.type == "category":
        return value in feature.levels
    if feature.type == "boolean":
        return isinstance(value, bool)

    return (
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FLOAT32_MAX
    )


def _reason_faults(about: str, feature: PublishedFeature) -> Iterator[str]:
    """The reason is told once of values of each kind that a customer may have."""
    reason = feature.reason
    fields = "".join(FIELDS.findall(reason))
    if len(reason) > REASON_CHARACTERS_MAX or FORMAT_DIGITS.search(fields):
        yield f"{about} has a reason that would be told too long"
        return

    # A sentence that fails for some value would fail a request later, in the middle of the day.
    for value in _values_told(feature):
        try:
            sentence(reason, value)
        except Exception as error:  # any error of a format string would be a 500 later
            yield f"{about} has the reason {reason!r}, which cannot be told of {value!r}: {error!r}"
            return


def _values_told(feature: PublishedFeature) -> list[Value]:
    if feature.type == "category":
        return list(feature.levels)
    if feature.type == "boolean":
        return [False, True]

    numbers = list(NUMBERS_TOLD)
    for bound in feature.range:
        if bound is not None and math.isfinite(bound):
            numbers.append(bound)

    if feature.type == "integer":
        return [int(number) for number in numbers]

    return list(numbers)


def _share_faults(manifest: ModelManifest) -> Iterator[str]:
    shares = {
        "threshold": manifest.threshold,
        "base_rate": manifest.base_rate,
        "the recorded probability": manifest.smoke.churn_probability,
    }
    for name, share in shares.items():
        if not 0 <= share <= 1:
            yield f"{name} is {share:g}, not from 0 to 1"


def _file_faults(sha256: dict[str, str]) -> Iterator[str]:
    for name in sha256:
        if not name or name.startswith(".") or "/" in name or not name.isprintable():
            yield f"{name[:NAME_CHARACTERS_MAX]!r} is no plain name of a file of the bundle"
