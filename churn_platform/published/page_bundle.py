"""What the page reads of a portfolio and month: a folder of Parquet files, of small tables as JSON,
and a manifest. Light on purpose: msgspec alone.

published/<portfolio>/page/<YYYY-MM>/
  customers.parquet       one row per scored customer, by id, as far as lists and plans need it
  profiles-NNNN.parquet   the same customers with facts and history; in parts, so that a look-up
                          opens a small file
  plan.parquet            what a plan ranks: tier, risk and value at stake of each customer who may
                          be contacted, the most at stake first; it names no customer
  phones.parquet          keyed hash of an own number -> customer id, by hash
  contacts.parquet        contacts and recorded outcomes of the last twelve months, by customer
  figures.json            small tables: economics, outcomes, monitoring, decisions on models
"""

from pathlib import Path
from typing import Any

import msgspec

from churn_platform.published.format import MANIFEST_FILE, Tier, decode_file

PAGE_DIR = "page"
MONTH = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"
CUSTOMERS_FILE, PROFILE_FILES = "customers.parquet", "profiles-*.parquet"
PHONES_FILE, CONTACTS_FILE = "phones.parquet", "contacts.parquet"
PLAN_FILE = "plan.parquet"
FIGURES_FILE = "figures.json"
PARQUET = ".parquet"  # what such a file holds is about customers
FACT_PREFIX = "fact_"
OF_PROFILE = (
    *("history_months", "history_scores", "last_contact_month", "previous_tier"),
    "previous_tier_place",
)
"""Columns, beside facts, that only a customer's own page shows."""
HISTORY_MONTHS = 12
NOT_CONTACTABLE = ("opted_out", "ineligible", "recently_contacted")
"""Decisions on customers whom no plan may contact."""


class Fact(msgspec.Struct, frozen=True):
    """A feature that the page shows of a customer; `is_lever` if an agent can change it.

    Its value is the column `fact_<name>` of the customers.
    """

    name: str
    type: str
    unit: str | None
    description: str
    levels: tuple[str, ...]
    range: tuple[float | None, float | None]
    is_lever: bool


class PublishedOffer(msgspec.Struct, frozen=True):
    """An offer of the campaign, what it costs and how many churners take it."""

    name: str
    channel: str
    contact_cost_eur: float
    acceptance_rate: float


LIST_HELD, LIST_WAITING = "held back", "waiting for approval"
"""States of a list from which no offer is made."""


class PublishedCampaign(msgspec.Struct, frozen=True):
    """What the month's list may hold, and what it is now.

    list_state: handed over, kept as handed over, waiting for approval, or held back; list_words
    says why. control_run: ranked customers, of whom one is control; 0 for no control group.
    is_ranked_by_uplift: the list is, while a plan always ranks by churn.
    """

    offers: tuple[PublishedOffer, ...]
    budget_eur: float | None
    capacity: int | None
    control_run: int
    cooldown_months: int
    list_state: str
    list_words: str
    is_ranked_by_uplift: bool = False


class PageManifest(msgspec.Struct, frozen=True):
    """One month of the read model, which version scored it, and the SHA-256 of each file.

    parts: the first customer of each file of profiles, in order.
    """

    portfolio: str
    title: str
    month: str
    customers: int
    scored_by: int
    tiers: tuple[Tier, ...]
    facts: tuple[Fact, ...]
    campaign: PublishedCampaign
    parts: tuple[str, ...]
    sha256: dict[str, str]


Rows = list[dict[str, Any]]


class Figures(msgspec.Struct, frozen=True):
    """Small tables by name, each a list of rows; none of them names a customer."""

    tables: dict[str, Rows]


def plan_sql(customers: str) -> str:
    """Query for the rows of PLAN_FILE, in order, from a table of the month's customers.

    Profit of an offer is acceptance x value at stake - cost: what does not depend on the offer is
    computed once, here.
    """
    barred = ", ".join(f"'{decision}'" for decision in NOT_CONTACTABLE)
    return f"""
        select
            tier_place::utinyint as tier_place,
            churn_probability,
            churn_probability * customer_value_eur as at_stake_eur,
        from {customers}
        where decision not in ({barred}) and customer_value_eur is not null
        order by at_stake_eur desc
    """


def part_file(place: int) -> str:
    """The file of the profiles of a part."""
    return f"profiles-{place:04d}.parquet"


def page_dir(root: Path, month: str) -> Path:
    """Folder of a month ('YYYY-MM') of the read model under the portfolio's published folder."""
    return root / PAGE_DIR / month


def page_months(root: Path) -> list[Path]:
    """The folders of a portfolio's months, the oldest first."""
    return sorted((root / PAGE_DIR).glob(MONTH))


def read_page_manifest(folder: Path) -> PageManifest:
    """The manifest of a month of the read model."""
    return decode_file(folder / MANIFEST_FILE, PageManifest)


def read_figures(folder: Path) -> Figures:
    """The small tables of a month of the read model."""
    return decode_file(folder / FIGURES_FILE, Figures)
