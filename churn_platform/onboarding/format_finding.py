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
        unit = f"written as {form.date}"
        if form.date in EPOCH:
            unit = form.date.replace("_", " ")

        parts.append(f"days, {unit}, become days before the month's end")

    is_odd_number = form.thousands or form.decimal != "." or form.affixes
    says_nothing_else = not form.date and not form.missing
    if is_odd_number or says_nothing_else:
        parts += _on_numbers(form, shapes)

    parts += _on_missing(profile, form, shapes)
    return "; ".join(parts) + "; correct `format:` in the spec if that is wrong"


def _on_numbers(form: ValueFormat, shapes: Mapping[str, int]) -> list[str]:
    read = f"decimals after {form.decimal!r}"
    if form.thousands:
        read += f", thousands with {form.thousands!r}"

    if form.affixes:
        read += f", without {', '.join(form.affixes)}"

    parts = [f"numbers such as {_example(form, shapes)!r} are read with {read}"]
    if any(map(NEGATIVE.search, shapes)):
        parts.append("those in brackets or with a minus behind are negative")

    return parts


def _example(form: ValueFormat, shapes: Mapping[str, int]) -> str:
    """The most frequent text that shows how the column differs from plain numbers."""
    plain = ""
    for text in shapes:
        if is_missing(text) or text.isdigit():
            continue
        has_thousands = form.thousands != "" and form.thousands in text
        if has_thousands or not PLAIN_NUMBER.fullmatch(text):
            return text
        plain = plain or text

    return plain


def _on_missing(profile: Profile, form: ValueFormat, shapes: Mapping[str, int]) -> list[str]:
    """The words that count as missing, with the number of values that have one."""
    is_text = profile.kind == "text" and form == ValueFormat()
    usual = () if is_text else profile.missing_words
    words_said = sorted({*form.missing, *usual})
    if not words_said:
        return []

    rows = profile.marked if usual else 0
    for text, count in shapes.items():
        if text.strip().lower() in form.missing:
            rows += count

    listed = ", ".join(map(repr, words_said))
    if not rows:
        return [f"{listed} count as missing"]

    return [f"{rows:,} values with {listed} count as missing"]
