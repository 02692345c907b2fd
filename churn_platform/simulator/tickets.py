"""Support tickets: what network trouble, grievances and dissatisfaction make customers report, and
how it ends.
"""

import numpy as np

from churn_platform.simulator.chunk import (
    Chunk,
    Columns,
    dissatisfaction,
    draw_columns,
    draw_owners,
    draw_times_s,
    expit,
)
from churn_platform.simulator.coefficients import Tickets
from churn_platform.simulator.levels import TicketCategory
from churn_platform.simulator.population import Population

NO_TIME = np.iinfo(np.int64).min


def generate_tickets(rng: np.random.Generator, chunk: Chunk) -> list[Columns]:
    """One block of tickets; resolution may be after the month, unless the
    customer left before it.
    """
    tickets = Tickets()
    owners = draw_owners(rng, ticket_rate(chunk.people, tickets) * chunk.share_of_month)
    opened = draw_times_s(rng, chunk, owners)
    anger = dissatisfaction(chunk.people)[owners]
    resolved = opened + resolution_s(rng, anger, tickets)
    escalated = opened + (
        3600 * tickets.escalation_median_h * rng.lognormal(0, 0.6, len(owners))
    ).astype(np.int64)
    escalates = rng.random(len(owners)) < expit(
        tickets.escalation_logit + tickets.escalation_per_dissatisfaction * anger
    )
    open_still = rng.random(len(owners)) < tickets.unresolved_share
    # A ticket cannot be escalated after it was resolved.
    escalates &= (escalated < resolved) | open_still
    return [
        {
            "customer_id": owners,
            "opened_at": opened,
            "category": draw_columns(rng, category_weights(chunk.people, tickets)[owners]),
            "escalated_at": before_leaving(chunk, owners, np.where(escalates, escalated, NO_TIME)),
            "resolved_at": before_leaving(chunk, owners, np.where(open_still, NO_TIME, resolved)),
        }
    ]


def ticket_rate(people: Population, tickets: Tickets) -> np.ndarray:
    """Mean tickets of a full month."""
    log_rate = (
        tickets.base_log_rate
        + tickets.per_trouble * people.trouble
        + tickets.per_grievance * people.grievance
        + tickets.per_dissatisfaction * dissatisfaction(people)
    )
    return np.minimum(np.exp(log_rate), tickets.max_rate)


def category_weights(people: Population, tickets: Tickets) -> np.ndarray:
    """Weights of the categories, customers x categories."""
    weights = np.tile(np.array(tickets.category_weight), (len(people), 1))
    weights[:, TicketCategory.NETWORK] += tickets.network_per_trouble * people.trouble
    weights[:, TicketCategory.BILLING] += tickets.billing_per_grievance * people.grievance
    weights[:, TicketCategory.COMPLAINT] += tickets.complaint_per_grievance * people.grievance
    return weights


def resolution_s(rng: np.random.Generator, anger: np.ndarray, tickets: Tickets) -> np.ndarray:
    """Seconds to resolution, longer for the dissatisfied."""
    log_hours = np.log(tickets.resolution_median_h) + tickets.resolution_per_dissatisfaction * anger
    hours = np.exp(log_hours + rng.normal(0, tickets.resolution_log_sd, len(anger)))
    return (3600 * np.minimum(hours, 60 * 24)).astype(np.int64)


def before_leaving(chunk: Chunk, owners: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """`at_s`, emptied where the customer had left by then."""
    left = chunk.first_day + chunk.days < chunk.month_days
    return np.where(left[owners] & (at_s >= chunk.end_s[owners]), NO_TIME, at_s)
