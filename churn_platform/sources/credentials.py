"""Fetches credentials from the variables and files that a spec names, and remembers them so that no
message shows one.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from churn_platform.errors import SourceError
from churn_platform.masking import hide
from churn_platform.portfolios.sources import Reference, Value


@dataclass
class Credentials:
    """Values by reference; `seen` are those that were fetched."""

    source: str
    secrets_dir: str = ""
    seen: list[str] = field(default_factory=list, repr=False)

    def text(self, value: Value | None) -> str:
        """The value, wherever it is; empty for none. SourceError names the place that lacks it."""
        if not isinstance(value, Reference):
            return value or ""
        found = os.environ.get(value.env) if value.env else self._in_file(str(value.file))
        # An empty variable is a mistake of the deployment, not an empty password.
        if not found:
            raise SourceError(
                f"source {self.source}: {value.place} is missing or empty; set it, or correct the "
                "spec"
            )
        self.seen.append(found)
        return found

    def hidden(self, text: str) -> str:
        """The text without any of the values that were fetched."""
        # The longest first: a shorter one may be a part of it, and would leave the rest readable.
        longest_first = sorted(self.seen, key=len, reverse=True)
        return hide(text, longest_first)

    def _in_file(self, name: str) -> str:
        # A cluster mounts its secrets in one folder, whose place the spec need not know.
        path = Path(self.secrets_dir, name) if self.secrets_dir else Path(name)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            # As good as missing: the caller's message names the file.
            return ""
