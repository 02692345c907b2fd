"""Says in words what was made of the values of a column that is not written plainly."""

import re
from collections.abc import Mapping

from churn_platform.onboarding.column_texts import is_missing
from churn_platform.onboarding.inspection import Profile
from churn_platform.published.value_format import EPOCH, ValueFormat

NEGATIVE = re.compile(r"^\s*\(.*\)\s*$|-\s*$")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?")


def format_finding(profile: Profile, form: ValueFormat | None, shapes: Mapping[str, int]) -> str:
    """What was made of the column's values, in words; empty for one that is written plainly."""
    if form is None:
        return "; ".join(_on_missing(profile, ValueFormat(), shapes))
    parts = []
    if form.date:
        unit = f"written as {form.date}" if form.date not in EPOCH else form.date.replace("_", " ")
        parts.append(f"days, {unit}, become days before the month's end")
    if (
        form.thousands
        or form.decimal != "."
        or form.affixes
        or (not form.date and not form.missing)
    ):
        example = _example(form, shapes)
        signs = f"decimals after {form.decimal!r}" + (
            f", thousands with {form.thousands!r}" if form.thousands else ""
        )
        around = f", without {', '.join(form.affixes)}" if form.affixes else ""
        parts.append(f"numbers such as {example!r} are read with {signs}{around}")
        if any(NEGATIVE.search(text) for text in shapes):
            parts.append("those in brackets or with a minus behind are negative")
    parts += _on_missing(profile, form, shapes)
    return "; ".join(parts) + "; correct `format:` in the spec if that is wrong"


def _example(form: ValueFormat, shapes: Mapping[str, int]) -> str:
    """The most frequent text that shows how the column differs from plain numbers."""
    numbers = [text for text in shapes if not is_missing(text) and not text.isdigit()]
    for text in numbers:
        has_thousands = form.thousands != "" and form.thousands in text
        if has_thousands or not PLAIN_NUMBER.fullmatch(text):
            return text
    return numbers[0] if numbers else ""


def _on_missing(profile: Profile, form: ValueFormat, shapes: Mapping[str, int]) -> list[str]:
    """The words that count as missing, with the number of values that have one."""
    usual = () if profile.kind == "text" and form == ValueFormat() else profile.missing_words
    words_said = sorted({*form.missing, *usual})
    if not words_said:
        return []
    of_format = [count for text, count in shapes.items() if text.strip().lower() in form.missing]
    rows = sum(of_format) + (profile.marked if usual else 0)
    counted = f"{rows:,} values with " if rows else ""
    return [f"{counted}{', '.join(map(repr, words_said))} count as missing"]
