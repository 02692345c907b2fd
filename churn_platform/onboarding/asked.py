"""What the user asked for, so that a refusal can say the full command that would do."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from churn_platform.errors import SpecError
from churn_platform.onboarding.label import Given
from churn_platform.onboarding.understanding import Hints
from churn_platform.portfolios.spec import FileOptions

# In the order of the help: what the label's values mean, how numbers and days, and how the file is
# written.
REPEATED = {"positive": "--positive", "negative": "--negative", "ignored": "--ignore"}
NUMBERS = {"decimal": "--decimal", "thousands": "--thousands", "date_order": "--date-order"}
LAYOUT = {
    "encoding": "--encoding",
    "separator": "--separator",
    "skip": "--skip",
    "sheet": "--sheet",
}
SIGNS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
ALLOWED = {
    "decimal": (".", ","),
    "thousands": (",", ".", " ", "'"),
    "date_order": ("day-first", "month-first"),
}
# What is meant where the user says nothing: the file is to say it.
NO_LABEL, NO_HINTS, AS_FOUND = Given(), Hints(), FileOptions()


@dataclass(frozen=True)
class OnboardingArguments:
    """The arguments of one `churn onboard`."""

    file: Path
    name: str
    id_column: str
    label_column: str
    protected: tuple[str, ...] = ()
    overwrite: bool = False
    label: Given = NO_LABEL
    hints: Hints = NO_HINTS
    layout: FileOptions = AS_FOUND

    def more(self, **changes: Iterable[str] | str) -> dict[str, tuple[str, ...]]:
        """The options beyond name, id, label and protected, with others put in their place."""
        given = ((REPEATED, self.label), (NUMBERS, self.hints), (LAYOUT, self.layout))
        options: dict[str, tuple[str, ...]] = {}
        for names, source in given:
            for name, option in names.items():
                value = changes.get(name, getattr(source, name))
                texts = _texts(value)
                if texts:
                    options[option] = texts

        return options

    def command(self, **changes: Iterable[str] | str) -> str:
        """The command as given, with further or other options."""
        words = ["churn", "onboard", str(self.file)]
        words += ["--name", self.name]
        words += ["--id", self.id_column]
        words += ["--label", self.label_column]
        options = {"--protected": self.protected} | self.more(**changes)

        for option, values in options.items():
            for value in values:
                # A value such as -1 would be taken for an option if it stood alone.
                words += [f"{option}={value}"] if value.startswith("-") else [option, value]

        if self.overwrite:
            words.append("--overwrite")

        return shlex.join(words)


def refused(cause: str, remedy: str, *commands: str) -> SpecError:
    """The refusal of a file or an option: what is wrong, and the full commands that would do."""
    return SpecError(f"{cause}; {remedy}: {' or '.join(commands)}")


def _texts(value: Iterable[str] | str | int | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value else ()
    return (str(value),) if isinstance(value, int) else tuple(value)


def with_layout(asked: OnboardingArguments, given: Mapping[str, str | int | None]) -> FileOptions:
    """The options on how the file is written, as a spec keeps them; SpecError for one that cannot
    be.
    """
    known = {name: value for name, value in given.items() if value is not None}
    options = dict(known)
    if separator := options.get("separator"):
        options["separator"] = SIGNS.get(str(separator), separator)

    try:
        return FileOptions(**options)  # type: ignore[arg-type]
    except ValidationError as error:
        raise _layout_refused(asked, known, error) from error


def _layout_refused(
    asked: OnboardingArguments, known: Mapping[str, str | int], error: ValidationError
) -> SpecError:
    usual = {"encoding": "cp1252", "separator": "semicolon", "skip": "1"}
    wrong = {}
    mended = {name: str(value) for name, value in known.items()}

    for item in error.errors():
        name = str(item["loc"][0])
        wrong[name] = f"--{name} {known[name]!r}: {item['msg']}"
        mended[name] = usual.get(name, mended[name])

    return refused(
        f"the file cannot be read so: {'; '.join(wrong.values())}",
        "for example",
        asked.command(**mended),
    )


def check_hints(asked: OnboardingArguments) -> None:
    """SpecError for an option on numbers or days that is none of the values it may have."""
    for name, allowed in ALLOWED.items():
        value = getattr(asked.hints, name)
        if not value or value in allowed:
            continue
        listed = ", ".join(map(repr, allowed))
        raise refused(
            f"{NUMBERS[name]} {value!r} is none of {listed}",
            "give one",
            asked.command(**{name: allowed[0]}),
            asked.command(**{name: allowed[1]}),
        )

    sign = asked.hints.decimal
    if sign and sign == asked.hints.thousands:
        other = "," if sign == "." else "."
        raise refused(
            f"--decimal and --thousands are both {sign!r}",
            "give two signs",
            asked.command(thousands=other),
            asked.command(decimal=other),
        )


def check_label_options(asked: OnboardingArguments) -> None:
    """SpecError for a value of the label that is said to mean two things."""
    label = asked.label
    sides = {"--positive": label.positive, "--negative": label.negative, "--ignore": label.ignored}

    meaning: dict[str, str] = {}
    for option, values in sides.items():
        for value in values:
            first = meaning.setdefault(value, option)
            if first != option:
                raise refused(
                    f"label value {value!r} is given as {first} and as {option}",
                    "give it once",
                    _said_once(asked, first, value),
                )


def _said_once(asked: OnboardingArguments, option: str, value: str) -> str:
    """The command in which a value of the label is given by that option alone."""
    kept = {}
    for name, values in vars(asked.label).items():
        is_kept = REPEATED[name] == option
        kept[name] = values if is_kept else _without(values, value)
    return asked.command(**kept)


def _without(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(it for it in values if it != value)


def renamed(asked: OnboardingArguments, name: str) -> str:
    """The command for another name of the portfolio."""
    return replace(asked, name=name).command()
