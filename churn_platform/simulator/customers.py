"""The customer file: everyone active at any time in the month, as known at its end."""

import numpy as np

from churn_platform.simulator.chunk import Chunk, Columns
from churn_platform.simulator.coefficients import OPTED_OUT_SHARE
from churn_platform.simulator.identifiers import customer_ids, own_phone_numbers
from churn_platform.simulator.levels import Status
from churn_platform.simulator.population import NO_DAY


def describe_customers(chunk: Chunk, leaves_on: np.ndarray) -> list[Columns]:
    """One block with one row per customer; `leaves_on` is the day of the month of leaving, -1 for
    those who stay.
    """
    people = chunk.people
    left = leaves_on >= 0
    return [
        {
            "customer_id": customer_ids(people.number),
            "phone_number": own_phone_numbers(people.number),
            "signup_date": people.signup_day,
            "status": np.where(left, Status.CHURNED, Status.ACTIVE).astype(np.int8),
            "churn_date": np.where(left, chunk.month_day + leaves_on, NO_DAY),
            "contract_type": people.contract,
            "contract_end_date": people.contract_end_day,
            "payment_method": people.payment,
            "age_group": people.age,
            "gender": people.gender,
            "region": people.region,
            "plan_monthly_eur": people.price_eur,
        }
    ]


def describe_preferences(chunk: Chunk) -> list[Columns]:
    """One block with the customers who refuse marketing contacts, once and for all."""
    owners = np.flatnonzero(is_opted_out(chunk.people.number)).astype(np.int32)
    return [{"customer_id": owners, "is_opted_out": np.ones(len(owners), dtype=bool)}]


def is_opted_out(number: np.ndarray) -> np.ndarray:
    """Whether the customer of each number has opted out: a fixed scatter over the numbers (Knuth
    1998, 6.4).
    """
    # No draw from a stream: opting out must not move any other random number of the world.
    scattered = (number.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(1 << 32)
    return scattered < OPTED_OUT_SHARE * (1 << 32)
