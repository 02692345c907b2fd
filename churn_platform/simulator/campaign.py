"""Contacts in the simulated world: who the operator sets out to call, who was reached, who took
the offer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from churn_platform.errors import DataError
from churn_platform.months import label, shift
from churn_platform.simulator.chunk import DAY_S, Columns
from churn_platform.simulator.coefficients import Response
from churn_platform.simulator.config import epoch_day
from churn_platform.simulator.population import Population
from churn_platform.simulator.response import acceptance

LIST_FILE = "contact_list.parquet"
LIST_COLUMNS = ["customer_id", "channel", "offer", "contact_cost_eur"]


@dataclass(frozen=True)
class ContactPlan:
    """The customers to contact in a month, with which offer: one entry per customer."""

    number: np.ndarray
    channel: np.ndarray
    offer: np.ndarray
    cost_eur: np.ndarray


@dataclass(frozen=True)
class Reached:
    """Customers who were reached, as rows of the month's base, with the day of the month and what
    they answered.
    """

    row: np.ndarray
    planned: np.ndarray
    day: np.ndarray
    second: np.ndarray
    is_accepted: np.ndarray


Plans = Callable[[date], ContactPlan | None]


def nobody(month: date) -> None:
    """The plan of an operator without campaigns."""


def plans_from(
    contact_lists_dir: Path, landed_contacts_dir: Path, *, write_from: date | None = None
) -> Plans:
    """The plans of an operator who works off the lists that the platform hands over.

    What is contacted in a month is in the list of the month before, at
    `<YYYY-MM>/contact_list.parquet`. In a month before `write_from`, which is over, no one was
    contacted unless contacts have landed: the platform lists for past months, too, when it scores
    several at once.
    """

    def is_known_unused(month: date) -> bool:
        """Whether the month is over and no contact has landed."""
        if write_from is None or month >= write_from:
            return False
        return not (landed_contacts_dir / f"{label(month)}.parquet").exists()

    def plan(month: date) -> ContactPlan | None:
        path = contact_lists_dir / label(shift(month, -1)) / LIST_FILE
        if not path.exists() or is_known_unused(month):
            return None
        return read_plan(path)

    return plan


def read_plan(path: Path) -> ContactPlan:
    """The plan that a contact list holds; DataError if it names customers of another world."""
    table = pq.read_table(path, columns=LIST_COLUMNS)
    numbers = []
    for customer_id in table["customer_id"].to_pylist():
        digits = customer_id[1:]
        if not customer_id.startswith("T") or not digits.isdecimal():
            raise DataError(f"{path}: {customer_id!r} is no customer of a simulated operator")
        numbers.append(int(digits))

    channel = np.asarray(table["channel"].to_pylist(), dtype=object)
    offer = np.asarray(table["offer"].to_pylist(), dtype=object)
    cost_eur = table["contact_cost_eur"].to_numpy()
    return ContactPlan(np.array(numbers, dtype=np.int64), channel, offer, cost_eur)


def reach(
    rng: np.random.Generator, plan: ContactPlan, people: Population, types: np.ndarray
) -> Reached:
    """Carry out the plan among `people`, in the order of their numbers; who has left the base
    cannot be reached.
    """
    response = Response()
    # A plan is of the month before: who has left since is not in the base and cannot be reached.
    _, row, planned = np.intersect1d(people.number, plan.number, return_indices=True)
    # Drawn from the campaign's own stream: contacts aside, the world is the same byte by byte.
    answers = rng.random(len(row)) < response.reached
    day = rng.integers(0, response.first_days, len(row))
    opens, closes = response.office_hours
    second = rng.integers(opens * 3600, closes * 3600, len(row))
    is_accepted = rng.random(len(row)) < acceptance(types[row])
    return Reached(
        row[answers],
        planned[answers],
        day[answers],
        second[answers],
        is_accepted[answers],
    )


def describe_contacts(plan: ContactPlan, reached: Reached, month: date) -> Columns:
    """Rows of `campaign_contacts`; the customer is a row of the month's base."""
    return {
        "customer_id": reached.row.astype(np.int32),
        "contacted_at": (epoch_day(month) + reached.day) * DAY_S + reached.second,
        "channel": plan.channel[reached.planned],
        "offer": plan.offer[reached.planned],
        "is_accepted": reached.is_accepted,
        "cost_eur": plan.cost_eur[reached.planned],
    }
