"""Proposes a feature, or a reason against it, for each column of a file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from churn_platform.onboarding import naming
from churn_platform.onboarding.inspection import LEAST_ROWS, Profile
from churn_platform.onboarding.leaks import LeakEvidence
from churn_platform.portfolios.spec import Feature, Format

MAX_LEVELS = 50
MANY = "{:,} different texts, of which the frequent ones cover too few rows"
LEAK_AUC = 0.95
OUTCOME_NAME_AUC = 0.80
UNIQUE_ROWS = 10
NEARLY_UNIQUE = 0.9
HALF_UNIQUE = 0.5
LEAST_COVERED = 0.2
OTHER = ("other", "others", "andere", "sonstige", "autre", "autres", "otros", "altro", "outros")
SEQUENCE_ROWS = 20
CODE_DIGITS = 6


@dataclass(frozen=True)
class Proposal:
    """What became of one column.

    A feature, to be used or left out but ready to be put back; None if it cannot be one.
    Findings say why.
    """

    feature: Feature | None
    used: bool
    findings: tuple[str, ...] = ()


def propose(
    profiles: Sequence[Profile], evidence: Mapping[str, LeakEvidence], protected: Collection[str]
) -> list[Proposal]:
    """A proposal per column, in order; `protected` are normalised headers beside those that sound
    protected.
    """
    proposals: list[Proposal] = []
    taken: set[str] = set()
    for position, profile in enumerate(profiles, start=1):
        name = naming.identifier(profile.name, position, taken)
        taken.add(name)
        taken.add(f"{name}_days")
        proposals.append(
            _proposal(
                profile,
                name,
                evidence.get(profile.name, LeakEvidence()),
                profile.name in protected,
            )
        )

    return proposals


def _proposal(profile: Profile, name: str, evidence: LeakEvidence, protected: bool) -> Proposal:
    column = f"column {profile.header!r}"
    reason = _leak(profile, evidence) or _useless(profile) or _identifying(profile)
    feature = _feature(profile, name)

    if feature is None or reason:
        asked = ", though asked to be protected" if protected else ""
        finding = f"{column} left out{asked}: {reason or _no_feature(profile)}"
        return Proposal(feature, False, (finding,))

    findings = [f"{column}: {note}" for note in _notes(profile, feature)]
    is_guessed = not protected and naming.sounds_protected(profile.name)
    if is_guessed:
        guess = "guessed to be protected, so fairness is watched; confirm it"
        findings.insert(0, f"{column}: {guess}")

    if protected or is_guessed:
        feature = feature.model_copy(update={"protected": True})

    return Proposal(feature, True, tuple(findings))


def _leak(profile: Profile, evidence: LeakEvidence) -> str | None:
    auc = evidence.auc
    sounds_like_outcome = naming.sounds_like_outcome(profile.name)
    # No honest column alone reaches 0.95: real churn is partly chance.
    if auc > LEAK_AUC:
        why = f"it alone tells who churned (AUC {auc:.3f})"
    elif evidence.only:
        why = evidence.only
    elif auc > OUTCOME_NAME_AUC and sounds_like_outcome:
        why = f"by its name and an AUC of {auc:.3f} alone"
    else:
        return None

    return f"suspected leak, {why}; put it back only if it is known beforehand"


def _useless(profile: Profile) -> str | None:
    if profile.kind == "empty":
        return "empty"
    if profile.distinct > 1 or profile.levels is None:
        return None

    (value,) = profile.levels
    if profile.present == profile.rows:
        return f"constant, always {value!r:.60}"

    return f"constant, {value!r:.60} or missing; deliver a value for the others to make use of it"


def _identifying(profile: Profile) -> str | None:
    return _free_text(profile) or _number_of_one(profile) or _id(profile)


def _free_text(profile: Profile) -> str | None:
    is_text = profile.kind == "text" and 2 * profile.sentences > profile.present
    if not is_text or not _is_manifold(profile):
        return None
    return f"free text, of {profile.distinct:,} different ones, which no model here reads"


def _number_of_one(profile: Profile) -> str | None:
    is_of_one = naming.sounds_like_number_of_one(profile.name)
    if not is_of_one or not _is_manifold(profile):
        return None
    if profile.distinct < HALF_UNIQUE * profile.present:
        return None
    return f"suspected id by its name, with {profile.distinct:,} different values"


def _id(profile: Profile) -> str | None:
    if profile.kind not in ("integer", "text") or _spoiled_numbers(profile):
        return None
    if profile.present < UNIQUE_ROWS or profile.distinct <= NEARLY_UNIQUE * profile.present:
        return None

    sounds_like_id = naming.sounds_like_id(profile.name)
    if profile.kind == "text" or sounds_like_id or _numbered_through(profile):
        return "suspected id, different in (nearly) every row"

    return None


def _is_manifold(profile: Profile) -> bool:
    return profile.kind in ("text", "integer") and profile.distinct > MAX_LEVELS


def _numbered_through(profile: Profile) -> bool:
    """Whether a unique integer counts the rows, or has the same number of digits everywhere as
    account numbers have.
    """
    if profile.kind != "integer" or not profile.unique:
        return False

    low, high = profile.low, profile.high
    if low is None or high is None:
        return False

    # Without a gap, from first to last: that is a counter of rows.
    in_sequence = high - low + 1 == profile.present >= SEQUENCE_ROWS
    digits = len(f"{low:.0f}")
    has_same_digits = digits == len(f"{high:.0f}") >= CODE_DIGITS
    return in_sequence or (low > 0 and has_same_digits)


def _no_feature(profile: Profile) -> str:
    if profile.kind == "date":
        return "a date; deliver a number instead, such as the months since then"
    if profile.kind == "unusable":
        return (
            f"values of type {profile.sql_type} that no model can use (nested, infinite "
            "or too large)"
        )
    if profile.numbers == profile.present:
        return f"numbers with leading zeros, so codes: {MANY.format(profile.distinct)}"

    return "; ".join(
        [
            MANY.format(profile.distinct),
            *_spoiled_numbers(profile),
        ]
    )


def _spoiled_numbers(profile: Profile) -> list[str]:
    """What keeps a text column from being one of numbers, where it nearly is."""
    if profile.formatted == profile.present > profile.numbers:
        return [
            f"numbers with a sign or a decimal comma, e.g. {profile.no_number!r:.40}; "
            "write plain ones to use them"
        ]

    if profile.present > profile.numbers > profile.present / 2:
        others = profile.present - profile.numbers
        return [
            f"all but {others:,} are numbers, e.g. {profile.no_number!r:.40} is not; "
            "clean those to use it"
        ]

    return []


def _feature(profile: Profile, name: str) -> Feature | None:
    kind = _type(profile)
    if kind is None:
        return None

    shared: dict[str, Any] = {
        "source": profile.header,
        "type": kind,
        "group": "customer",
        "nullable": profile.present < profile.rows,
    }
    if profile.form:
        shared["format"] = Format(**msgspec.structs.asdict(profile.form))

    words = naming.words(profile.name)
    if profile.kind == "days":
        return Feature(
            name=f"{name[: naming.MAX_LENGTH - 5]}_days",
            unit="days",
            description=f"Column {profile.header!r}, in days before the month's end.",
            reason=f"{words}: {{value:until day|before|after}} the month's end",
            **shared,
        )

    if kind in ("integer", "number") and (profile.low or 0) >= 0:
        shared["range"] = (0, None)

    if kind == "category":
        shared["levels"], shared["other"] = _levels(profile)

    return Feature(
        name=name,
        description=f"Column {profile.header!r} as delivered.",
        reason=f"{words}: {{value}}",
        **shared,
    )


def _type(profile: Profile) -> str | None:
    kind = profile.kind
    if kind == "days":
        return "integer"
    if kind in ("boolean", "number"):
        return kind

    is_code = kind == "integer" and naming.sounds_like_code(profile.name)
    if kind == "integer" and not is_code:
        return "integer"
    if kind != "text" and not is_code:
        return None

    levels, _ = _levels(profile)
    return "category" if levels else None


def _levels(profile: Profile) -> tuple[tuple[str, ...], str | None]:
    """The levels of a category; of many the frequent ones, and one that is for all others.

    None if the frequent ones cover too little, or the texts are numbers that are badly written.
    """
    if profile.distinct <= MAX_LEVELS:
        return tuple(profile.levels or ()), None

    counted = profile.levels or profile.frequent or {}
    if not counted or (profile.kind == "text" and _spoiled_numbers(profile)):
        return (), None

    other = next((level for level in counted if level.lower() in OTHER), OTHER[0])
    often = []
    for level, rows in counted.items():
        if rows >= LEAST_ROWS and level != other:
            often.append(level)

    often.sort(key=lambda level: (-counted[level], level))
    kept = often[: MAX_LEVELS - 1]
    covered = sum(counted[level] for level in kept)
    if covered < LEAST_COVERED * profile.present:
        return (), None

    return (*sorted(kept), other), other


def _notes(profile: Profile, feature: Feature) -> list[str]:
    """What is ambiguous about a column that is used."""
    notes = []
    is_numeric = profile.numbers == profile.present
    is_unique = profile.unique and profile.present >= UNIQUE_ROWS

    if feature.other is not None:
        notes.append(
            f"{profile.distinct:,} levels: the {len(feature.levels) - 1} most frequent stand for "
            f"themselves, the rest for {feature.other!r}, as do new ones"
        )

    if feature.type == "boolean" and is_numeric:
        notes.append("only 0 and 1, taken for no and yes; make it an integer if it is a count")

    if feature.type == "integer" and is_unique:
        notes.append("different in every row; remove it if it is an id")

    if feature.type == "category":
        notes += _on_levels(profile, feature.levels)

    if naming.sounds_like_outcome(profile.name):
        notes.append("named like the outcome; remove it unless it is known beforehand")

    return notes


def _on_levels(profile: Profile, levels: Sequence[str]) -> list[str]:
    notes = []
    if profile.numbers == profile.present:
        notes.append(
            f"numbers taken for {len(levels)} codes; make it a number if they can be added up"
        )

    notes += _spoiled_numbers(profile)
    different = set(map(str.lower, levels))
    if len(different) < len(levels):
        notes.append("levels that differ in upper and lower case alone; make them one")

    return notes
