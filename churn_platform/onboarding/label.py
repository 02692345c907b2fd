"""Which values of a label column mean 'churned', and which 'stayed': from the values, the name, or
the user's word.

Who stays is never taken for who left: where yes and no are under a name that does not say of
what, the user is asked.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from churn_platform.errors import SpecError
from churn_platform.onboarding import words
from churn_platform.onboarding.inspection import Profile

SHOWN_VALUES = 10
Command = Callable[..., str]
"""The command that was given, with further options."""


@dataclass(frozen=True)
class Given:
    """What the user said about the label's values; empty if the file is to say it."""

    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class LabelValues:
    """The label's values as ingest will see them, and how many rows have which."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    churned: int
    stayed: int
    unlabelled: int
    ignored: tuple[str, ...] = ()

    @property
    def churn_rate(self) -> float:
        """Share of churned customers among those with a label."""
        return self.churned / (self.churned + self.stayed)


def label_values(profile: Profile, given: Given, command: Command) -> tuple[LabelValues, list[str]]:
    """The label's values, with findings; SpecError, with the command that would do, if unclear what
    is what.
    """
    levels = profile.levels or {}
    findings: list[str] = []
    if given.positive or given.negative:
        sides = _as_said(profile, levels, given, command)
    else:
        sides, findings = _understood(profile, levels, given, command)

    churned = _rows_of(sides.positive, levels)
    stayed = _rows_of(sides.negative, levels)
    values = LabelValues(
        positive=sides.positive,
        negative=sides.negative,
        churned=churned,
        stayed=stayed,
        unlabelled=profile.rows - churned - stayed,
        ignored=sides.ignored,
    )
    findings = [
        *_on_rate(profile, values, given, command),
        *findings,
        *_on_unlabelled(profile, values, levels),
    ]
    return values, findings


def _rows_of(values: Sequence[str], levels: Mapping[str, int]) -> int:
    return sum(levels[value] for value in values)


def _on_unlabelled(profile: Profile, values: LabelValues, levels: Mapping[str, int]) -> list[str]:
    findings = []
    if values.ignored:
        rows = _rows_of(values.ignored, levels)
        findings.append(
            f"label {profile.header!r}: {rows:,} rows with {_listed(values.ignored)} "
            "count as without a label"
        )

    if values.unlabelled:
        findings.append(
            f"label {profile.header!r}: {values.unlabelled:,} of {profile.rows:,} rows have none; "
            "scored only"
        )

    return findings


def _as_said(profile: Profile, levels: Mapping[str, int], given: Given, command: Command) -> Given:
    _check_named(profile, levels, given, command)
    missing = []
    rest = []
    for value in levels:
        if value in (*given.positive, *given.negative, *given.ignored):
            continue
        if words.meaning(value) == "missing":
            missing.append(value)
        else:
            rest.append(value)

    others = tuple(rest)
    # Both sides were given, so a third value is a question to the user, not a guess.
    if others and given.positive and given.negative:
        ignored = (*given.ignored, *others)
        example = command(
            positive=given.positive,
            negative=given.negative,
            ignored=ignored,
        )
        raise SpecError(
            f"label column {profile.header!r} also has {_listed(others)}; "
            f"say what that means, for example: {example}"
        )

    positive = given.positive or others
    negative = given.negative or others
    if not positive or not negative:
        raise _unclear(profile, levels, command)

    return Given(positive, negative, ignored=(*given.ignored, *missing))


def _check_named(
    profile: Profile, levels: Mapping[str, int], given: Given, command: Command
) -> None:
    """SpecError for a value that was said and that the label does not have."""
    named = (*given.positive, *given.negative, *given.ignored)
    absent = [value for value in named if value not in levels]
    if not absent:
        return

    meant = _example(
        levels,
        positive=_meant(given.positive, levels),
        negative=_meant(given.negative, levels),
        ignored=_meant(given.ignored, levels),
    )
    raise SpecError(
        f"label column {profile.header!r} has no value {_listed(absent)}; it has "
        f"{_listed(levels)}; say which of these, for example: {command(**meant)}"
    )


def _meant(values: Sequence[str], levels: Mapping[str, int]) -> list[str]:
    """The values of a label that were perhaps meant: those in another case or with other blanks."""
    said = set(map(words.plain, values))
    meant = []
    for level in levels:
        if level in values or words.plain(level) in said:
            meant.append(level)
    return meant


def _understood(
    profile: Profile, levels: Mapping[str, int], given: Given, command: Command
) -> tuple[Given, list[str]]:
    known, ignored = _known(levels, given)
    # The usual coding in data-mining files, where -1 is no.
    has_signs = sorted(known) == ["-1", "1"]
    if has_signs:
        known = {"1": "yes", "-1": "no"}
    elif _with_meaning("yes", known) == ["1"] and "no" not in known.values():
        known["1"] = None  # a number among others, as in 1 and 2

    positive, negative, findings = _by_meaning(profile, known, command, levels)
    if has_signs:
        findings.append(
            f"label {profile.header!r}: {_listed(positive)} was taken for churned and "
            f"{_listed(negative)} for stayed; confirm it"
        )

    unknown = _with_meaning(None, known)
    if len(unknown) == 1 and _is_opposite(known) and (positive or negative):
        (positive if negative else negative).extend(unknown)
        findings.append(
            f"label {profile.header!r}: {unknown[0]!r} was taken for the opposite of the other; "
            "confirm it"
        )
        unknown = []

    if unknown or not positive or not negative:
        raise _unclear(profile, levels, command, positive, negative, ignored)

    return Given(tuple(positive), tuple(negative), ignored), findings


def _known(
    levels: Mapping[str, int], given: Given
) -> tuple[dict[str, words.Meaning | None], tuple[str, ...]]:
    """What each value says by itself, and the values that count as without a label."""
    known: dict[str, words.Meaning | None] = {}
    missing = []
    for value in levels:
        if value in given.ignored:
            continue
        meaning = words.meaning(value)
        if meaning == "missing":
            missing.append(value)
        else:
            known[value] = meaning

    ignored = [value for value in given.ignored if value in levels]
    return known, (*ignored, *missing)


def _is_opposite(known: Collection[str]) -> bool:
    """Whether of two values one tells what the other means: both are words, not codes."""
    return len(known) == 2 and all(len(value) > 2 for value in known)


def _with_meaning(meaning: str | None, known: Mapping[str, str | None]) -> list[str]:
    return [value for value, said in known.items() if said == meaning]


def _by_meaning(
    profile: Profile, known: Mapping[str, str | None], command: Command, levels: Mapping[str, int]
) -> tuple[list[str], list[str], list[str]]:
    """Values of those who left and of those who stayed, by their own words; yes and no by the
    column's name.
    """
    left = _with_meaning("left", known)
    stayed = _with_meaning("stayed", known)
    yes = _with_meaning("yes", known)
    no = _with_meaning("no", known)
    if not yes and not no:
        return left, stayed, []

    spoken = words.speaks_of(profile.name)
    if spoken == "staying":
        said = (
            f"label {profile.header!r} tells who stays: {_listed(no)} means churned, "
            f"{_listed(yes)} stayed"
        )
        return left + no, stayed + yes, [said]

    if spoken == "leaving":
        return left + yes, stayed + no, []

    if words.is_target(profile.name):
        doubt = f"label {profile.header!r}: {_listed(yes)} was taken for churned; confirm it"
        return left + yes, stayed + no, [doubt]

    raise SpecError(
        f"label column {profile.header!r} has {_listed(levels)}, "
        "and its name does not say whether that is leaving or "
        f"staying. If {_listed(yes)} means churned: {command(positive=yes, negative=no)}; "
        f"if it means stayed: {command(positive=no, negative=yes)}"
    )


def _on_rate(profile: Profile, values: LabelValues, given: Given, command: Command) -> list[str]:
    """A churn rate above one half is always questioned: mostly somebody took who stays for who
    left.
    """
    # Operators with more leavers than stayers are rare; swapped labels are not.
    if values.churn_rate <= 0.5:
        return []

    turned = command(
        positive=values.negative,
        negative=values.positive,
        ignored=values.ignored,
    )
    return [
        f"{values.churn_rate:.0%} churned, by label {profile.header!r} with "
        f"{_listed(values.positive)} for churned: "
        f"more left than stayed. If that is the wrong way round: {turned}"
    ]


def _unclear(
    profile: Profile,
    levels: Mapping[str, int],
    command: Command,
    positive: Sequence[str] = (),
    negative: Sequence[str] = (),
    ignored: Sequence[str] = (),
) -> SpecError:
    shown = f" ({_listed(levels)})" if levels else ""
    needed = (
        f"label column {profile.header!r} needs two values that say who churned and who stayed, "
        "such as Yes and No, "
        f"but has {profile.distinct:,}{shown}"
    )
    if len(levels) < 2:
        return SpecError(
            f"{needed}; deliver a column with two values, and leave unknown labels blank, then: "
            f"{command()}"
        )

    if len(levels) > SHOWN_VALUES:
        unknown = set(levels).difference(positive, negative, ignored)
        by_rows = _rare_first(levels)
        rarest = next((value for value in by_rows if value in unknown), by_rows[0])
        return SpecError(
            f"{needed}; say those that mean churned, and all others mean stayed, for example: "
            f"{command(positive=[rarest])}"
        )

    example = _example(levels, positive, negative, ignored)
    return SpecError(f"{needed}; say which is which, for example: {command(**example)}")


def _rare_first(levels: Mapping[str, int]) -> list[str]:
    return sorted(levels, key=lambda value: levels[value])


def _example(
    levels: Mapping[str, int],
    positive: Sequence[str],
    negative: Sequence[str],
    ignored: Sequence[str],
) -> dict[str, list[str]]:
    """Options for each value of a label: those known, and of the others the rarest for churned, the
    most frequent for stayed.
    """
    left = list(positive)
    stay = list(negative)
    named = {*positive, *negative, *ignored}
    open_values = [value for value in _rare_first(levels) if value not in named]

    if not left:
        left = open_values[:1]
        open_values = open_values[1:]

    if not stay:
        stay = open_values[-1:]

    rest = [value for value in levels if value not in {*left, *stay}]
    return {"positive": left, "negative": stay, "ignored": rest}


def _listed(values: Iterable[str]) -> str:
    shown = list(map(repr, values))
    more = ", ..." if len(shown) > SHOWN_VALUES else ""
    return ", ".join(shown[:SHOWN_VALUES]) + more
