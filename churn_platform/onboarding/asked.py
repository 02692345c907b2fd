"""What the user asked for, so that a refusal can say the full command that would do."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class OnboardingArguments:
    """The arguments of one `churn onboard`."""

    file: Path
    name: str
    id_column: str
    label_column: str
    protected: tuple[str, ...]
    overwrite: bool
    label: Given
    hints: Hints
    layout: FileOptions

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
                words.append(f"{option}={value}" if value.startswith("-") else option)
                words += [] if value.startswith("-") else [value]
        return shlex.join([*words, *(["--overwrite"] if self.overwrite else [])])


def _texts(value: Iterable[str] | str | int | None) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,) if value else ()
    return (str(value),) if isinstance(value, int) else tuple(value)


def file_options(
    *, encoding: str | None, separator: str | None, skip: int | None, sheet: str | None
) -> FileOptions:
    """The options as a spec keeps them; SpecError for one that cannot be."""
    spoken = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
    sign = spoken.get(separator, separator) if separator else separator
    try:
        return FileOptions(encoding=encoding, separator=sign, skip=skip, sheet=sheet)
    except ValidationError as error:
        wrong = "; ".join(
            f"--{item['loc'][0]} {item['input']!r}: {item['msg']}" for item in error.errors()
        )
        raise SpecError(f"the file cannot be read so: {wrong}") from error
