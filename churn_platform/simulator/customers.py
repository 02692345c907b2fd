"""The customer file: everyone active at any time in the month, as known at its end."""

import numpy as np

from churn_platform.simulator.chunk import Chunk, Columns
from churn_platform.simulator.identifiers import customer_ids, own_phone_numbers
from churn_platform.simulator.levels import Status
from churn_platform.simulator.population import NO_DAY


def describe_customers(chunk: Chunk, leaves_on: np.ndarray) -> list[Columns]:
    """One block with one row per customer; `leaves_on` is the day of the month of leaving, -1 for those who stay."""
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
