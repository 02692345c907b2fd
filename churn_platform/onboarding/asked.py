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
                if values := _texts(changes.get(name, getattr(source, name))):
                    options[option] = values
        return options

    def command(self, **changes: Iterable[str] | str) -> str:
        """The command as given, with further or other options."""
        words = ["churn", "onboard", str(self.file), "--name", self.name, "--id", self.id_column]
        words += ["--label", self.label_column]
        for option, values in {"--protected": self.protected, **self.more(**changes)}.items():
            for value in values:
                # A value such as -1 would be taken for an option if it stood alone.
                words += [f"{option}={value}"] if value.startswith("-") else [option, value]
        return shlex.join([*words, *(["--overwrite"] if self.overwrite else [])])


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
    separator = str(known.get("separator", ""))
    signs = {"separator": SIGNS.get(separator, separator)} if separator else {}
    try:
        return FileOptions(**(known | signs))  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = {str(item["loc"][0]): item["msg"] for item in error.errors()}
        said = "; ".join(f"--{name} {known[name]!r}: {cause}" for name, cause in wrong.items())
        usual = {"encoding": "cp1252", "separator": "semicolon", "skip": "1"}
        mended = {name: str(usual.get(name, value)) for name, value in known.items()}
        kept = {name: mended[name] if name in wrong else str(known[name]) for name in known}
        raise refused(
            f"the file cannot be read so: {said}", "for example", asked.command(**kept)
        ) from error


def check_hints(asked: OnboardingArguments) -> None:
    """SpecError for an option on numbers or days that is none of the values it may have."""
    for name, allowed in ALLOWED.items():
        value = getattr(asked.hints, name)
        if value and value not in allowed:
            ways = [asked.command(**{name: one}) for one in allowed[:2]]
            listed = ", ".join(map(repr, allowed))
            raise refused(f"{NUMBERS[name]} {value!r} is none of {listed}", "give one", *ways)
    if asked.hints.decimal and asked.hints.decimal == asked.hints.thousands:
        sign = asked.hints.decimal
        other = "," if sign == "." else "."
        ways = [asked.command(thousands=other), asked.command(decimal=other)]
        raise refused(f"--decimal and --thousands are both {sign!r}", "give two signs", *ways)


def check_label_options(asked: OnboardingArguments) -> None:
    """SpecError for a value of the label that is said to mean two things."""
    label = asked.label
    sides = {"--positive": label.positive, "--negative": label.negative, "--ignore": label.ignored}
    meaning: dict[str, str] = {}
    for option, values in sides.items():
        for value in values:
            if meaning.setdefault(value, option) != option:
                only = {name: _without(its, value) for name, its in vars(label).items()}
                first = {"--positive": "positive", "--negative": "negative"}[meaning[value]]
                raise refused(
                    f"label value {value!r} is given as {meaning[value]} and as {option}",
                    "give it once",
                    asked.command(**{**only, first: getattr(label, first)}),
                )


def _without(values: tuple[str, ...], value: str) -> tuple[str, ...]:
    return tuple(it for it in values if it != value)


def renamed(asked: OnboardingArguments, name: str) -> str:
    """The command for another name of the portfolio."""
    return replace(asked, name=name).command()
