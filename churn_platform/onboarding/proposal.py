"""Proposes a feature, or a reason against it, for each column of a file."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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
    reason = _leak(profile, evidence) or _useless(profile) or _identifying(profile)
    feature = _feature(profile, name)
    if feature is None or reason:
        asked = ", though asked to be protected" if protected else ""
        finding = f"column {profile.header!r} left out{asked}: {reason or _no_feature(profile)}"
        return Proposal(feature, False, (finding,))
    notes = [f"column {profile.header!r}: {note}" for note in _notes(profile, feature)]
    if protected or naming.sounds_protected(profile.name):
        feature = feature.model_copy(update={"protected": True})
        if not protected:
            notes.insert(
                0,
                f"column {profile.header!r}: guessed to be protected, so fairness is watched; "
                "confirm it",
            )
    return Proposal(feature, True, tuple(notes))


def _leak(profile: Profile, evidence: LeakEvidence) -> str | None:
    auc, why = evidence.auc, None
    # No honest column alone reaches 0.95: real churn is partly chance.
    if auc > LEAK_AUC:
        why = f"it alone tells who churned (AUC {auc:.3f})"
    elif evidence.only:
        why = evidence.only
    elif auc > OUTCOME_NAME_AUC and naming.sounds_like_outcome(profile.name):
        why = f"by its name and an AUC of {auc:.3f} alone"
    return f"suspected leak, {why}; put it back only if it is known beforehand" if why else None


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
    if _is_manifold(profile):
        if profile.kind == "text" and 2 * profile.sentences > profile.present:
            return f"free text, of {profile.distinct:,} different ones, which no model here reads"
        is_of_one = naming.sounds_like_number_of_one(profile.name)
        if is_of_one and profile.distinct >= HALF_UNIQUE * profile.present:
            return f"suspected id by its name, with {profile.distinct:,} different values"
    few = profile.present < UNIQUE_ROWS or profile.distinct <= NEARLY_UNIQUE * profile.present
    if few or profile.kind not in ("integer", "text") or _spoiled_numbers(profile):
        return None
    if profile.kind == "text" or naming.sounds_like_id(profile.name) or _numbered_through(profile):
        return "suspected id, different in (nearly) every row"
    return None


def _is_manifold(profile: Profile) -> bool:
    return profile.kind in ("text", "integer") and profile.distinct > MAX_LEVELS


def _numbered_through(profile: Profile) -> bool:
    """Whether a unique integer counts the rows, or has the same number of digits everywhere as
    account numbers have.
    """
    if (
        profile.kind != "integer"
        or not profile.unique
        or profile.low is None
        or profile.high is None
    ):
        return False
    # Without a gap, from first to last: that is a counter of rows.
    in_sequence = profile.high - profile.low + 1 == profile.present >= SEQUENCE_ROWS
    digits = len(f"{profile.low:.0f}")
    return in_sequence or (profile.low > 0 and digits == len(f"{profile.high:.0f}") >= CODE_DIGITS)


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
    is_day = profile.kind == "days"
    words = naming.words(profile.name)
    levels, other = _levels(profile) if kind == "category" else ((), None)
    return Feature(
        name=f"{name[: naming.MAX_LENGTH - 5]}_days" if is_day else name,
        unit="days" if is_day else None,
        format=Format(**msgspec.structs.asdict(profile.form)) if profile.form else None,
        source=profile.header,
        type=kind,  # type: ignore[arg-type]
        group="customer",
        range=(0, None)
        if not is_day and kind in ("integer", "number") and (profile.low or 0) >= 0
        else (None, None),
        levels=levels,
        other=other,
        nullable=profile.present < profile.rows,
        description=f"Column {profile.header!r}, in days before the month's end."
        if is_day
        else f"Column {profile.header!r} as delivered.",
        reason=f"{words}: {{value:until day|before|after}} the month's end"
        if is_day
        else f"{words}: {{value}}",
    )


def _type(profile: Profile) -> str | None:
    if profile.kind == "days":
        return "integer"
    if profile.kind in ("boolean", "number"):
        return profile.kind
    coded = profile.kind == "integer" and naming.sounds_like_code(profile.name)
    if profile.kind == "integer" and not coded:
        return "integer"
    may_be_category = (profile.kind == "text" or coded) and profile.distinct > 0
    return "category" if may_be_category and _levels(profile)[0] else None


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
    by_rows = sorted(counted, key=lambda level: (-counted[level], level))
    often = [level for level in by_rows if counted[level] >= LEAST_ROWS and level != other]
    kept = often[: MAX_LEVELS - 1]
    if sum(counted[level] for level in kept) < LEAST_COVERED * profile.present:
        return (), None
    return (*sorted(kept), other), other


def _notes(profile: Profile, feature: Feature) -> list[str]:
    """What is ambiguous about a column that is used."""
    notes = []
    levels = feature.levels
    if feature.other is not None:
        notes.append(
            f"{profile.distinct:,} levels: the {len(levels) - 1} most frequent stand for "
            f"themselves, the rest for {feature.other!r}, as do new ones"
        )
    if feature.type == "boolean" and profile.numbers == profile.present:
        notes.append("only 0 and 1, taken for no and yes; make it an integer if it is a count")
    if feature.type == "integer" and profile.unique and profile.present >= UNIQUE_ROWS:
        notes.append("different in every row; remove it if it is an id")
    if feature.type == "category" and profile.numbers == profile.present:
        notes.append(
            f"numbers taken for {len(levels)} codes; make it a number if they can be added up"
        )
    if feature.type == "category":
        notes += _spoiled_numbers(profile)
    if len({level.lower() for level in levels}) < len(levels) and feature.type == "category":
        notes.append("levels that differ in upper and lower case alone; make them one")
    if naming.sounds_like_outcome(profile.name):
        notes.append("named like the outcome; remove it unless it is known beforehand")
    return notes
