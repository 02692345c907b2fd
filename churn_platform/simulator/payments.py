"""Payments: monthly fees of contract customers, top-ups of prepaid ones, add-ons; late and failed
at times.
"""

import numpy as np

from churn_platform.simulator.chunk import (
    DAY_S,
    Chunk,
    Columns,
    dissatisfaction,
    draw_owners,
    draw_times_s,
    expit,
)
from churn_platform.simulator.coefficients import Payments
from churn_platform.simulator.levels import ContractType, TransactionType


def generate_payments(rng: np.random.Generator, chunk: Chunk) -> list[Columns]:
    """Three blocks of payments: monthly fees, top-ups, add-ons."""
    return [monthly_fees(rng, chunk), top_ups(rng, chunk), add_ons(rng, chunk)]


def monthly_fees(rng: np.random.Generator, chunk: Chunk) -> Columns:
    """One fee per contract customer whose due day falls into the active time; booked within it,
    perhaps late.
    """
    payments, people = Payments(), chunk.people
    due = np.maximum(people.billing_day, chunk.first_day)
    owes = (people.contract != ContractType.PREPAID) & (due < chunk.first_day + chunk.days)
    owners = np.flatnonzero(owes).astype(np.int32)
    late = logit(payments.late_share)[
        people.payment
    ] + payments.late_per_dissatisfaction * dissatisfaction(people)
    is_late = rng.random(len(owners)) < expit(late[owners])
    delay = 1 + rng.exponential(payments.late_mean_days, len(owners)).astype(np.int64)
    last = (chunk.first_day + chunk.days - 1)[owners]
    # A payment is booked within the month of its file: later ones the contract would refuse.
    days_late = np.minimum(np.where(is_late, delay, 0), last - due[owners])
    booked = (
        chunk.month_start_s
        + (due[owners] + days_late) * DAY_S
        + rng.integers(0, DAY_S, len(owners))
    )
    return payment(
        rng,
        chunk,
        owners,
        TransactionType.MONTHLY_FEE,
        booked,
        people.price_eur[owners],
    ) | {"days_late": days_late}


def top_ups(rng: np.random.Generator, chunk: Chunk) -> Columns:
    """Top-ups of prepaid customers in steps of 5 EUR, rarer when engagement falls."""
    payments, people = Payments(), chunk.people
    rate = payments.top_ups * np.exp(people.engagement) * chunk.share_of_month
    is_prepaid = people.contract == ContractType.PREPAID
    owners = draw_owners(rng, np.where(is_prepaid, rate, 0.0))
    usual = people.price_eur[owners] / payments.top_ups
    amount = usual * rng.uniform(0.5, 1.7, len(owners))
    in_steps = np.round(amount / 5) * 5
    times_s = draw_times_s(rng, chunk, owners)
    return payment(
        rng,
        chunk,
        owners,
        TransactionType.TOP_UP,
        times_s,
        np.maximum(5.0, in_steps),
    )


def add_ons(rng: np.random.Generator, chunk: Chunk) -> Columns:
    """Extra packages, bought more by the engaged."""
    payments = Payments()
    rate = payments.add_ons * np.exp(2 * chunk.people.engagement) * chunk.share_of_month
    owners = draw_owners(rng, rate)
    prices = np.array(payments.add_on_eur)
    price = prices[rng.integers(0, len(prices), len(owners))]
    times_s = draw_times_s(rng, chunk, owners)
    return payment(rng, chunk, owners, TransactionType.ADD_ON, times_s, price)


def payment(
    rng: np.random.Generator,
    chunk: Chunk,
    owners: np.ndarray,
    kind: TransactionType,
    at_s: np.ndarray,
    eur: np.ndarray,
) -> Columns:
    """Columns of payments of one kind; a first attempt may have failed."""
    payments, people = Payments(), chunk.people
    anger = dissatisfaction(people)
    failed = (
        logit(payments.failed_share)[people.payment] + payments.failed_per_dissatisfaction * anger
    )
    return {
        "customer_id": owners,
        "transacted_at": at_s,
        "transaction_type": np.full(len(owners), kind, dtype=np.int8),
        "amount_eur": eur,
        "is_failed": rng.random(len(owners)) < expit(failed)[owners],
    }


def logit(shares: tuple[float, ...]) -> np.ndarray:
    """Log-odds of shares."""
    share = np.array(shares)
    return np.log(share / (1 - share))
