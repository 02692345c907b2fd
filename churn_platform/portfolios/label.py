"""What churn is for an operator: by which policy a customer has left, and when that is known."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from churn_platform.months import months_covering
from churn_platform.portfolios.strict_model import SpecModel

# Levels of the columns of each table that has events of customers.
Columns = Mapping[str, Mapping[str, tuple[str, ...]]]


class Events(SpecModel):
    """Rows of one landed table that count."""

    table: str = Field(description="Landed table of events.")
    where: dict[str, tuple[str, ...]] = Field(
        {}, description="Column to the values that count; all must hold. Empty: every row."
    )

    @field_validator("where", mode="before")
    @classmethod
    def _as_lists_of_text(cls, given: Any) -> Any:
        # YAML reads `true` and 5 as what they are, and SQL compares their texts.
        if not isinstance(given, dict):
            return given
        return {column: _texts(values) for column, values in given.items()}


def _texts(values: Any) -> list[str]:
    listed = values if isinstance(values, list | tuple) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in listed]


class Label(SpecModel):
    """The churn question: left in the window that begins with the month after the features' month,
    plus the gap.

    A label matures, which is when it can be known, `outcome_months` after its features' month.
    """

    policy: Literal["churn_date", "inactivity", "non_renewal"] = Field(
        "churn_date",
        description=(
            "By a date of leaving, by silence of `days`, or by a commitment that ended and was not "
            "renewed within `days`."
        ),
    )
    gap_months: int = Field(
        0, ge=0, le=12, description="Months between the features and the month of the label."
    )
    days: int | None = Field(
        None, ge=1, le=365, description="Days of silence, or days in which to renew."
    )
    events: tuple[Events, ...] = Field(
        (),
        description=(
            "Inactivity: the chargeable events. Non-renewal: those that renew; none: a later "
            "contract_end_date does."
        ),
    )
    column: str | None = Field(
        None, description="Label column of a snapshot file; none for event tables."
    )
    positive: tuple[str, ...] = Field((), description="Values of that column that mean 'churned'.")
    negative: tuple[str, ...] = Field((), description="Values of that column that mean 'stayed'.")
    ignored: tuple[str, ...] = Field(
        (), description="Values of that column that say nothing: scored, not learnt from."
    )

    @model_validator(mode="after")
    def _policy_is_complete(self):
        if self.policy == "churn_date":
            if self.days or self.events:
                raise ValueError("label: days and events are for inactivity and non_renewal")
            return self
        if self.days is None:
            raise ValueError(f"label: {self.policy} needs days, such as days: 60")
        # Without them nobody could say what a silent customer does not do.
        if self.policy == "inactivity" and not self.events:
            raise ValueError(
                "label: inactivity needs events, such as events: [{table: transactions}]"
            )
        return self

    @model_validator(mode="after")
    def _values_say_one_thing(self):
        listed = (*self.positive, *self.negative, *self.ignored)
        twice = []
        for value, count in Counter(listed).items():
            if count > 1:
                twice.append(value)
        if twice:
            values = ", ".join(sorted(twice))
            raise ValueError(
                f"label: {values} is listed more than once among positive, negative, ignored"
            )

        return self

    @property
    def outcome_months(self) -> int:
        """Months from the features' month to the one in which the label matures, the same for
        every month.
        """
        # In whole months that are long enough in any season, so that each month matures one label.
        waited = months_covering(self.days) if self.days else 0
        # Silence is counted from the begin of the window, a commitment may end on its last day.
        window = 0 if self.policy == "inactivity" else 1
        return self.gap_months + window + waited

    @property
    def spine_months(self) -> int:
        """Months before the end of a month that the spine looks back on; 0: none."""
        if self.policy != "inactivity" or self.days is None:
            return 0
        return months_covering(self.days)


def check_events(label: Label, columns: Columns) -> None:
    """ValueError if an event is of no such table, or is told by a column or a value that is not
    there.
    """
    for events in label.events:
        known = columns.get(events.table)
        if known is None:
            tables = ", ".join(columns) or "none"
            raise ValueError(
                f"label.events: {events.table!r} is none of the tables of events: {tables}"
            )
        for column, values in events.where.items():
            about = f"label.events: {events.table}.{column}"
            if column not in known:
                raise ValueError(f"{about} is no column; those are: {', '.join(known)}")
            levels = known[column]
            unknown = [value for value in values if levels and value not in levels]
            if unknown:
                raise ValueError(
                    f"{about} is never {', '.join(unknown)}; its levels are: {', '.join(levels)}"
                )
