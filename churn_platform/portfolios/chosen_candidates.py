"""Trains some of a portfolio's candidates instead of all, so that one that would not be the best of
them becomes a version as well.
"""

from collections.abc import Sequence

from churn_platform.errors import SpecError
from churn_platform.portfolios.spec import Portfolio


def with_candidates(portfolio: Portfolio, chosen: str) -> Portfolio:
    """The portfolio with those of its candidates that `chosen` names, by commas. It is as it was
    if that names none of them.
    """
    names = named_in(chosen)
    listed = tuple(name for name in portfolio.candidates if name in names)
    # The setting is of the installation: a portfolio that never lists a forest trains as before.
    if not listed:
        return portfolio
    return portfolio.model_copy(update={"candidates": listed})


def require_candidates(portfolio: Portfolio, chosen: Sequence[str]) -> None:
    """SpecError if one of `chosen` is no candidate of the portfolio."""
    for name in chosen:
        if name not in portfolio.candidates:
            known = ", ".join(portfolio.candidates)
            raise SpecError(f"{portfolio.name} has no candidate {name!r}; it lists {known}")


def named_in(text: str) -> list[str]:
    """Names that are separated by commas."""
    names = (name.strip() for name in text.split(","))
    return [name for name in names if name]
