"""The money in a portfolio's spec: what a contact costs, what a kept customer is worth, what a
campaign may spend.
"""

from pydantic import Field, model_validator

from churn_platform.portfolios.strict_model import Identifier, SpecModel


class Economics(SpecModel):
    """What a contact costs and what a kept customer is worth, in EUR."""

    contact_cost_eur: float = Field(gt=0)
    acquisition_cost_eur: float = Field(gt=0)
    acceptance_rate: float = Field(gt=0, le=1)


class Offer(SpecModel):
    """One way to keep a customer: what it costs to make the offer, and how many
    churners take it.
    """

    name: str = Identifier
    channel: str = Identifier
    contact_cost_eur: float = Field(gt=0)
    acceptance_rate: float = Field(gt=0, le=1)


class CustomerValue(SpecModel):
    """Value of a kept customer from the price: price x margin x expected months of remaining life.

    Expected months within the horizon H at a monthly churn rate r are (1 - (1 - r)^H) / r, the mean
    of a geometric life cut at H.
    """

    price_feature: str = Field(description="Feature with the monthly price, EUR.")
    margin: float = Field(gt=0, le=1, description="Share of the price that is margin.")
    horizon_months: int = Field(24, ge=1, le=120, description="Months of life that count.")


class Campaign(SpecModel):
    """What the monthly contact list may hold."""

    budget_eur: float | None = Field(
        None, gt=0, description="Most that the contacts of a month may cost; none: any."
    )
    capacity: int | None = Field(
        None, ge=1, description="Most customers contacted in a month; none: any."
    )
    # Without a control group no one can say what a campaign earned.
    control_share: float = Field(
        0.05, ge=0, lt=0.5, description="Share of the list kept uncontacted, to compare with."
    )
    # Control customers of a list are contacted in other months, so they cannot show what all lists
    # together have done.
    holdout_share: float = Field(
        0.0,
        ge=0,
        le=0.2,
        description="Share of the customers never contacted, the same ones always; 0: none.",
    )
    # A ranking by churn never lists the others, so nothing is ever learnt of what a contact does
    # to them.
    exploration_share: float = Field(
        0.0,
        ge=0,
        le=0.5,
        description="Share of the list drawn from customers whom the ranking leaves out; 0: none.",
    )
    cooldown_months: int = Field(
        3, ge=0, le=24, description="Months in which no customer is contacted twice."
    )
    # A list by a model that is known to be wrong costs money and annoys customers who would stay.
    hand_over_if_severe: bool = Field(
        False,
        description=(
            "Hand the list over also while outcomes show that the model behind it is broken."
        ),
    )
    needs_approval: bool = Field(
        False, description="Hand a list over only after a person has approved it."
    )
    offers: tuple[Offer, ...] = Field(
        (), description="Offers to choose from; empty: one, from the economics."
    )
    value: CustomerValue | None = Field(
        None, description="Value of a kept customer; none: the acquisition cost saved."
    )
    # With few customers the interval is too wide to show any difference.
    uplift_min_customers: int = Field(
        500,
        ge=100,
        description=(
            "Treated, and control, customers with outcomes before uplift may rank the list."
        ),
    )
    seed: int = 7

    @model_validator(mode="after")
    def _offers_differ(self):
        names = [offer.name for offer in self.offers]
        if len(set(names)) != len(names):
            raise ValueError("campaign.offers: a name is listed twice")
        return self
