"""What every part of a spec has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

IDENTIFIER_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
Identifier = Field(pattern=IDENTIFIER_PATTERN)


class SpecModel(BaseModel):
    """Base of every part of a spec: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Models are kept pickled: one of before lacks the fields that came later, which then have
        their defaults.
        """
        # Registered models are pickled with their features. They must load after a field was added.
        super().__setstate__(state)
        for name, field in type(self).model_fields.items():
            if name not in self.__dict__:
                self.__dict__[name] = field.get_default(call_default_factory=True)
