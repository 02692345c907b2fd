"""Where a spec wants results to go back to: a table, files, or an address."""

from typing import Literal

from pydantic import Field, model_validator

from churn_platform.portfolios.sources import FILE_KINDS, Reference, Source, has_month
from churn_platform.portfolios.strict_model import Identifier, SpecModel

Result = Literal["monthly_scores", "contact_list", "campaign_outcome"]
# By what is written. Only databases with transactions that DuckDB drives itself: with another a
# month could be left half written.
KINDS = {"table": ("postgres", "mysql", "sqlite"), "path": FILE_KINDS}


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
        about = f"destination {self.name}"
        given = [self.table, self.path, self.url]
        absent = given.count(None)
        if absent != 2:
            raise ValueError(f"{about}: give table:, path: or url:, one of three")
        if bool(self.to) == bool(self.url):
            raise ValueError(f"{about}: give to: with table: or path:")
        # Without a signature the receiver could not tell our rows from anyone's.
        if bool(self.secret) != bool(self.url):
            raise ValueError(f"{about}: url: and secret: belong together")
        # Else each month would take the place of the last one.
        if self.path and not has_month(self.path):
            raise ValueError(f"{about}: path: needs {{month}}")
        return self

    @property
    def place(self) -> str:
        """The place in words, without an address, which may be secret."""
        if self.to is None:
            return "a webhook"
        return f"{self.table or self.path} of {self.to}"


def check_destination(destination: Destination, sources: dict[str, Source]) -> None:
    """ValueError if the database or store is unknown, or cannot take what is given."""
    if destination.to is None:
        return
    about = f"destination {destination.name}"
    source = sources.get(destination.to)
    if source is None:
        known = ", ".join(sources) or "none"
        raise ValueError(f"{about}: {destination.to!r} is none of the sources: {known}")
    key = "table" if destination.table else "path"
    kinds = KINDS[key]
    if source.kind not in kinds:
        able = ", ".join(kinds)
        raise ValueError(
            f"{about}: {key}: cannot be written to a {source.kind} source; those that can: {able}"
        )
