"""Which values of a label column mean 'churned', and which 'stayed': from the values, the name, or
the user's word.

Who stays is never taken for who left: where yes and no are under a name that does not say of
what, the user is asked.
"""

from collections.abc import Callable, Mapping, Sequence
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
    positive, negative, ignored = sides.positive, sides.negative, sides.ignored
    counts = sum(levels[value] for value in positive), sum(levels[value] for value in negative)
    values = LabelValues(
        positive, negative, *counts, unlabelled=profile.rows - sum(counts), ignored=ignored
    )
    if ignored:
        rows = sum(levels[value] for value in ignored)
        findings.append(
            f"label {profile.header!r}: {rows:,} rows with {_listed(ignored)} count as without a "
            "label"
        )
    if values.unlabelled:
        findings.append(
            f"label {profile.header!r}: {values.unlabelled:,} of {profile.rows:,} rows have none; "
            "scored only"
        )
    return values, [*_on_rate(profile, values, given, command), *findings]


def _as_said(profile: Profile, levels: Mapping[str, int], given: Given, command: Command) -> Given:
    named = (*given.positive, *given.negative, *given.ignored)
    if absent := [value for value in named if value not in levels]:
        sides = (given.positive, given.negative, given.ignored)
        meant = _example(levels, *(_meant(side, levels) for side in sides))
        raise SpecError(
            f"label column {profile.header!r} has no value {_listed(absent)}; it has "
            f"{_listed(levels)}; say which of these, for example: {command(**meant)}"
        )
    rest = [value for value in levels if value not in named]
    missing = [value for value in rest if words.meaning(value) == "missing"]
    others = tuple(value for value in rest if value not in missing)
    # Both sides were given, so a third value is a question to the user, not a guess.
    if others and given.positive and given.negative:
        ignored = (*given.ignored, *others)
        example = command(positive=given.positive, negative=given.negative, ignored=ignored)
        raise SpecError(
            f"label column {profile.header!r} also has {_listed(others)}; "
            f"say what that means, for example: {example}"
        )
    positive, negative = given.positive or others, given.negative or others
    if not positive or not negative:
        raise _unclear(profile, levels, command)
    return Given(positive, negative, tuple(v for v in (*given.ignored, *missing) if v in levels))


def _meant(values: Sequence[str], levels: Mapping[str, int]) -> list[str]:
    """The values of a label that were perhaps meant: those in another case or with other blanks."""
    said = {words.plain(value) for value in values}
    return [level for level in levels if level in values or words.plain(level) in said]


def _understood(
    profile: Profile, levels: Mapping[str, int], given: Given, command: Command
) -> tuple[Given, list[str]]:
    said = {value: words.meaning(value) for value in levels if value not in given.ignored}
    missing = tuple(value for value, meaning in said.items() if meaning == "missing")
    known = {value: meaning for value, meaning in said.items() if meaning != "missing"}
    ignored = (*(value for value in given.ignored if value in levels), *missing)
    # The usual coding in data-mining files, where -1 is no.
    has_signs = sorted(known) == ["-1", "1"]
    if has_signs:
        known = {"1": "yes", "-1": "no"}
    says_no = "no" in known.values()
    if not says_no and {value for value, meaning in known.items() if meaning == "yes"} == {"1"}:
        known |= {"1": None}  # a number among others, as in 1 and 2
    positive, negative, findings = _by_meaning(profile, known, command, levels)
    if has_signs:
        findings.append(
            f"label {profile.header!r}: {_listed(positive)} was taken for churned and "
            f"{_listed(negative)} for stayed; confirm it"
        )
    unknown = [value for value, meaning in known.items() if meaning is None]
    if (
        len(known) == 2
        and len(unknown) == 1
        and all(len(value) > 2 for value in known)
        and (positive or negative)
    ):
        (positive if negative else negative).extend(unknown)
        findings.append(
            f"label {profile.header!r}: {unknown[0]!r} was taken for the opposite of the other; "
            "confirm it"
        )
        unknown = []
    if unknown or not positive or not negative:
        raise _unclear(profile, levels, command, positive, negative, ignored)
    return Given(tuple(positive), tuple(negative), ignored), findings


def _by_meaning(
    profile: Profile, known: Mapping[str, str | None], command: Command, levels: Mapping[str, int]
) -> tuple[list[str], list[str], list[str]]:
    """Values of those who left and of those who stayed, by their own words; yes and no by the
    column's name.
    """
    left = [value for value, meaning in known.items() if meaning == "left"]
    stayed = [value for value, meaning in known.items() if meaning == "stayed"]
    yes = [value for value, meaning in known.items() if meaning == "yes"]
    no = [value for value, meaning in known.items() if meaning == "no"]
    if not yes and not no:
        return left, stayed, []
    spoken = words.speaks_of(profile.name)
    if spoken == "staying":
        said = (
            f"label {profile.header!r} tells who stays: {_listed(no)} means churned, "
            f"{_listed(yes)} stayed"
        )
        return left + no, stayed + yes, [said]
    if spoken == "leaving" or words.is_target(profile.name):
        doubt = (
            []
            if spoken
            else [f"label {profile.header!r}: {_listed(yes)} was taken for churned; confirm it"]
        )
        return left + yes, stayed + no, doubt
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
    turned = command(positive=values.negative, negative=values.positive, ignored=values.ignored)
    return [
        f"{values.churn_rate:.0%} churned, by label {profile.header!r} with "
        f"{_listed(values.positive)} for churned: "
        f"more left than stayed. If that is the wrong way round: {turned}"
    ]


def _unclear(
    profile: Profile,
    levels: Mapping[str, int],
    command: Command,
    positive: list[str] | None = None,
    negative: list[str] | None = None,
    ignored: tuple[str, ...] = (),
) -> SpecError:
    shown = f" ({_listed(levels)})" if levels else ""
    needed = (
        f"label column {profile.header!r} needs two values that say who churned and who stayed, "
        "such as Yes and No, "
        f"but has {profile.distinct:,}{shown}"
    )
    unknown = [
        value for value in levels if value not in {*(positive or ()), *(negative or ()), *ignored}
    ]
    if len(levels) < 2:
        return SpecError(
            f"{needed}; deliver a column with two values, and leave unknown labels blank, then: "
            f"{command()}"
        )
    if len(levels) > SHOWN_VALUES:
        rarest = min(unknown or levels, key=lambda value: levels[value])
        return SpecError(
            f"{needed}; say those that mean churned, and all others mean stayed, for example: "
            f"{command(positive=[rarest])}"
        )
    example = _example(levels, positive or (), negative or (), ignored)
    return SpecError(f"{needed}; say which is which, for example: {command(**example)}")


def _example(
    levels: Mapping[str, int],
    positive: Sequence[str],
    negative: Sequence[str],
    ignored: Sequence[str],
) -> dict[str, list[str]]:
    """Options for each value of a label: those known, and of the others the rarest for churned."""
    named = {*positive, *negative, *ignored}
    rare_first = sorted((it for it in levels if it not in named), key=lambda value: levels[value])
    left = list(positive) or rare_first[:1]
    stay = list(negative) or [value for value in rare_first if value not in left][-1:]
    rest = [value for value in levels if value not in {*left, *stay}]
    return {"positive": left, "negative": stay, "ignored": rest}


def _listed(values) -> str:  # type: ignore[no-untyped-def]
    shown = [repr(value) for value in values]
    return f"{', '.join(shown[:SHOWN_VALUES])}{', ...' if len(shown) > SHOWN_VALUES else ''}"
