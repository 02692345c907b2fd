"""What the user asked for, so that a refusal can say the full command that would do."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from churn_platform.onboarding.label import Given
from churn_platform.onboarding.understanding import Hints

REPEATED = {"positive": "--positive", "negative": "--negative", "ignored": "--ignore"}
SINGLE = {"decimal": "--decimal", "thousands": "--thousands", "date_order": "--date-order"}


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

    def more(self, **changes: Iterable[str] | str) -> dict[str, tuple[str, ...]]:
        """The options beyond name, id, label and protected, with others put in their place."""
        said = {name: changes.get(name, getattr(self.label, name)) for name in REPEATED}
        said |= {name: changes.get(name, getattr(self.hints, name)) for name in SINGLE}
        values = {
            name: (value,) if isinstance(value, str) else tuple(value or ())
            for name, value in said.items()
        }
        return {
            option: values[name] for name, option in (REPEATED | SINGLE).items() if values[name]
        }

    def command(self, **changes: Iterable[str] | str) -> str:
        """The command as given, with further or other options."""
        words = ["churn", "onboard", str(self.file), "--name", self.name, "--id", self.id_column]
        words += ["--label", self.label_column]
        for option, values in {"--protected": self.protected, **self.more(**changes)}.items():
            for value in values:
                words.append(f"{option}={value}" if value.startswith("-") else option)
                words += [] if value.startswith("-") else [value]
        return shlex.join([*words, *(["--overwrite"] if self.overwrite else [])])
