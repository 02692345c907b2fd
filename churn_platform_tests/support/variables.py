"""Settings as the variables that processes find them in."""

from collections.abc import Mapping
from typing import Any

from churn_platform.settings import PREFIX


def as_variables(overrides: Mapping[str, Any]) -> dict[str, str]:
    """The variables of settings given by name."""
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in overrides.items()}
