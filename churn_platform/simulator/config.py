"""What to simulate: how many customers, which months, which seed and which disturbance."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from churn_platform.months import months_between, shift

Scenario = Literal["none", "price_rise", "competitor", "harmless_mix", "broken_feed"]


class SimulationConfig(BaseModel):
    """One simulated world; the same config gives the same bytes. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    customers: int = Field(
        ge=1,
        le=50_000_000,
        description="Active customers at each month's end; a takeover (harmless_mix) adds some.",
    )
    first_month: date = Field(
        default=date(2025, 1, 1),
        ge=date(2000, 1, 1),
        description="First day of the first month written.",
    )
    months: int = Field(ge=1, le=240, description="Months written.")
    seed: int = Field(ge=0, description="Seed of every random draw.")
    scenario: Scenario = Field(
        default="none", description="Disturbance that acts from scenario_month on."
    )
    scenario_month: date | None = Field(
        default=None, description="First day of the disturbed month; default the last month."
    )
    prepaid_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of prepaid contracts among those who join; default the usual one.",
    )
    calls_per_customer: float = Field(
        default=50, gt=0, le=1000, description="Mean call detail records per customer-month."
    )

    @model_validator(mode="after")
    def _months_are_first_days(self):
        for name in ("first_month", "scenario_month"):
            day = getattr(self, name)
            if day is not None and day.day != 1:
                raise ValueError(f"{name} must be the first day of a month, not {day.isoformat()}")
        return self

    @field_validator("scenario_month")
    @classmethod
    def _is_simulated(cls, month: date | None, info: ValidationInfo) -> date | None:
        first, count = info.data.get("first_month"), info.data.get("months")
        if month and first and count and not 0 <= months_between(first, month) < count:
            raise ValueError("not one of the simulated months")
        return month

    def month_starts(self) -> list[date]:
        """First days of the months written, in order."""
        return [shift(self.first_month, offset) for offset in range(self.months)]

    def acting_scenario(self, month: date) -> Scenario:
        """The disturbance in force in `month`: 'none' before it begins; a broken feed is repaired a
        month later.
        """
        begins = self.scenario_month or self.month_starts()[-1]
        # The other scenarios stay: prices do not fall again, and a competitor does not leave.
        if month < begins or (self.scenario == "broken_feed" and month != begins):
            return "none"
        return self.scenario

    def scenario_begins(self, month: date, scenario: Scenario) -> bool:
        """Whether `month` is the first in which `scenario` acts."""
        return (
            self.acting_scenario(month) == scenario
            and self.acting_scenario(shift(month, -1)) == "none"
        )


def month_number(month: date) -> int:
    """Months since January 2000."""
    return (month.year - 2000) * 12 + month.month - 1


def days_in(month: date) -> int:
    """Length of the month in days."""
    return (shift(month, 1) - month).days


def epoch_day(day: date) -> int:
    """Days since 1970-01-01, the form in which dates are held in arrays."""
    return (day - date(1970, 1, 1)).days
