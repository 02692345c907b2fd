"""Where a spec wants results to go back to: a table, files, or an address."""

from typing import Literal

from pydantic import Field, model_validator

from churn_platform.portfolios.sources import FILE_KINDS, Reference, Source
from churn_platform.portfolios.strict_model import Identifier, SpecModel

Result = Literal["monthly_scores", "contact_list", "campaign_outcome"]
TABLE_KINDS = ("postgres", "mysql", "sqlite")


class Destination(SpecModel):
    """One result and one place for it."""

    name: str = Identifier
    result: Result = Field(description="Table of the lake whose months are sent.")
    to: str | None = Field(None, description="Name under `sources` of the database or store.")
    table: str | None = Field(None, description="Table there; made where it is missing.")
    path: str | None = Field(
        None, description="Parquet file there, with {month} or {year} and {mm}."
    )
    url: Reference | None = Field(None, description="Address that takes the rows as JSON.")
    secret: Reference | None = Field(None, description="Secret that signs what is sent there.")

    @model_validator(mode="after")
    def _has_one_place(self):
        given = [self.table, self.path, self.url]
        if sum(part is not None for part in given) != 1:
            raise ValueError(f"destination {self.name}: give table:, path: or url:, one of three")
        if bool(self.to) == bool(self.url):
            raise ValueError(f"destination {self.name}: give to: with table: or path:")
        if bool(self.secret) != bool(self.url):
            raise ValueError(f"destination {self.name}: url: and secret: belong together")
        if self.path and "{month}" not in self.path and "{mm}" not in self.path:
            raise ValueError(f"destination {self.name}: path: needs {{month}}")
        return self

    @property
    def place(self) -> str:
        """The place in words, without an address, which may be secret."""
        return f"{self.table or self.path} of {self.to}" if self.to else "a webhook"


def check_destination(destination: Destination, sources: dict[str, Source]) -> None:
    """ValueError if the database or store is unknown, or cannot take what is given."""
    if destination.to is None:
        return
    source = sources.get(destination.to)
    if source is None:
        known = ", ".join(sources) or "none"
        raise ValueError(
            f"destination {destination.name}: {destination.to!r} is none of the sources: {known}"
        )
    kinds, key = (TABLE_KINDS, "table") if destination.table else (FILE_KINDS, "path")
    if source.kind not in kinds:
        raise ValueError(
            f"destination {destination.name}: {key}: cannot be written to a {source.kind} source; "
            f"those that can: {', '.join(kinds)}"
        )
