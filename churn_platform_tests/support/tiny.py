"""A tiny portfolio, as spec and as rows, that the tests of every stage share."""

from datetime import date

import numpy as np
from scipy.special import expit

from churn_platform.portfolios.spec import Portfolio
from churn_platform.training.model import ChurnModel, fit_model
from churn_platform.training.training_data import Labelled

JANUARY, FEBRUARY, MARCH, APRIL = (date(2025, month, 1) for month in (1, 2, 3, 4))

SPEC = {
    "name": "tiny",
    "title": "A tiny operator",
    "kind": "events",
    "tables": [
        {
            "name": "customers",
            "description": "One row per customer.",
            "key": "customer_id",
            "columns": [
                {"name": "customer_id", "type": "string", "description": "Number."},
                {
                    "name": "phone_number",
                    "type": "string",
                    "hashed": True,
                    "description": "Own number.",
                },
                {
                    "name": "plan_eur",
                    "type": "number",
                    "source": "Plan price",
                    "description": "Price.",
                },
                {
                    "name": "joined_date",
                    "type": "date",
                    "required": False,
                    "description": "Day of joining.",
                },
            ],
        },
        {
            "name": "calls",
            "description": "One row per call.",
            "key": "call_id",
            "event_time": "started_at",
            "customer": "customer_id",
            "columns": [
                {"name": "call_id", "type": "string", "description": "Number."},
                {"name": "customer_id", "type": "string", "description": "Who called."},
                {"name": "started_at", "type": "timestamp", "description": "Start."},
                {
                    "name": "contact",
                    "type": "string",
                    "hashed": True,
                    "required": False,
                    "description": "Whom.",
                },
                {"name": "duration_s", "type": "integer", "description": "Seconds."},
                {"name": "is_dropped", "type": "boolean", "description": "Whether it broke."},
                {
                    "name": "kind",
                    "type": "string",
                    "levels": ["voice", "sms"],
                    "description": "Kind.",
                },
                {
                    "name": "cost_eur",
                    "type": "number",
                    "required": False,
                    "optional": True,
                    "description": "Cost.",
                },
            ],
        },
    ],
    "features": [
        {
            "name": "usage",
            "type": "number",
            "group": "use",
            "range": [0, 100],
            "nullable": True,
            "description": "Use.",
            "reason": "Used {value} GB",
        },
        {
            "name": "tickets",
            "type": "integer",
            "group": "care",
            "range": [0, 50],
            "description": "Tickets.",
            "reason": "{value} tickets",
        },
        {
            "name": "is_late",
            "type": "boolean",
            "group": "bill",
            "description": "Late.",
            "reason": "Pays late: {value}",
        },
        {
            "name": "plan",
            "type": "category",
            "group": "bill",
            "levels": ["prepaid", "monthly", "yearly"],
            "description": "Plan.",
            "reason": "Plan: {value}",
        },
    ],
    "label": {},
    "split": {"policy": "out_of_time", "training_months": 2, "seed": 7},
    "economics": {"contact_cost_eur": 35, "acquisition_cost_eur": 180, "acceptance_rate": 0.4},
    "gates": {"min_auc": 0.7, "min_recall": 0.6},
}

TINY = Portfolio.model_validate(SPEC)


def customers(rows: int, *, seed: int) -> Labelled:
    """Encoded customers whose churn depends on every feature; every tenth has no usage and every
    25th no plan.
    """
    generator = np.random.default_rng(seed)
    usage, tickets = generator.uniform(0, 100, rows), generator.integers(0, 6, rows)
    is_late, plan = generator.integers(0, 2, rows), generator.integers(0, 3, rows)
    log_odds = -1.5 - 0.03 * (usage - 50) + 0.7 * (tickets - 2) + 0.5 * is_late - 0.8 * (plan - 1)
    features = np.column_stack([usage, tickets, is_late, plan]).astype(np.float32)
    features[::10, 0] = np.nan
    features[::25, 3] = np.nan
    churned = (generator.uniform(size=rows) < expit(log_odds)).astype(np.int8)
    return Labelled(features, churned, np.array([f"C{row:05d}" for row in range(rows)]))


def fit_tiny(algorithm: str, *, seed: int = 7) -> ChurnModel:
    """The algorithm fitted on 1,500 customers and calibrated on 500."""
    train, validation = customers(1500, seed=1), customers(500, seed=2)
    return fit_model(algorithm, TINY.features, train, validation, seed=seed, threads=1)
