"""What an encoded value stands for, and the sentence of the catalogue about it. Light on purpose: numpy alone."""

from typing import Protocol

import numpy as np


class Described(Protocol):
    """What of a feature is needed here: those of the catalogue and of a manifest both have it."""

    @property
    def type(self) -> str: ...
    @property
    def levels(self) -> tuple[str, ...] | list[str]: ...
    @property
    def reason(self) -> str: ...


def decode(number: float, feature: Described) -> object:
    """The value that `number` stands for: a level, a bool, an int or a float; None for NaN."""
    if np.isnan(number):
        return None
    if feature.type == "category":
        return feature.levels[int(number)]
    return {"boolean": bool, "integer": int, "number": float}[feature.type](number)


def sentence(number: float, feature: Described) -> str:
    """The catalogue's sentence for one encoded value, e.g. 'Calls changed by -62% against the last three months'."""
    value = decode(number, feature)
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, float) and "{value}" in feature.reason:
        value = f"{value:,.1f}".removesuffix(".0")
    return feature.reason.format(value=value)
