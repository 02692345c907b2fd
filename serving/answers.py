"""What the service answers: the same structs in HTTP, in OpenAPI and in tests."""

from typing import Any

import msgspec

STORED_SCORE, FEATURES, BASE_RATE = "stored_score", "features", "base_rate"


class Answer(msgspec.Struct, kw_only=True):
    """A churn score, and all that is needed to trace it.

    threshold: `churn_prediction` is true from this probability on; a model version's own.
    confidence: the probability, by the model itself, that `churn_prediction` is right.
    scored_from: `stored_score` (the monthly score), `features` (scored now), or `base_rate` (a customer known by name
    only, `cold_start`). missing_features: neither sent, pushed nor stored, so the manifest's default stood in.
    """

    request_id: str
    portfolio: str
    customer_id: str | None
    churn_probability: float
    threshold: float
    churn_prediction: bool
    confidence: float
    risk_tier: str
    reasons: tuple[str, ...]
    model_version: int
    arm: str
    features_month: str | None
    scored_from: str
    cold_start: bool
    missing_features: tuple[str, ...]
    pushed_features: tuple[str, ...]
    latency_ms: float


class BatchError(msgspec.Struct, kw_only=True):
    """Why one customer of a batch got no score: the problem that the customer alone would have met."""

    position: int
    customer_id: str | None
    status: int
    detail: str
    errors: list[dict[str, Any]] = []


class BatchAnswer(msgspec.Struct, kw_only=True):
    """Scores in the order of the request, with a gap and an error for each customer that has none."""

    request_id: str
    portfolio: str
    predictions: list[Answer | None]
    errors: list[BatchError]
    latency_ms: float


class CustomerView(msgspec.Struct, kw_only=True):
    """What is known of a customer: the score, the stored features and those pushed since."""

    score: Answer
    features: dict[str, Any]
    pushed: dict[str, Any]


class Contribution(msgspec.Struct, kw_only=True):
    """What one feature does: log-odds it adds against a typical customer's value, and the probability with that."""

    feature: str
    value: Any
    reference: Any
    effect_log_odds: float
    churn_probability_at_reference: float
    sentence: str


class WhatIf(msgspec.Struct, kw_only=True):
    """The probability if these features had these values, all else being equal."""

    changes: dict[str, Any]
    churn_probability: float
    risk_tier: str


class Explanation(msgspec.Struct, kw_only=True):
    """A score with what moves it, strongest first, and what changes would do."""

    score: Answer
    contributions: list[Contribution]
    what_if: list[WhatIf]


class PushAnswer(msgspec.Struct, kw_only=True):
    """What was kept, and for how long it counts."""

    request_id: str
    portfolio: str
    customer_id: str
    features: tuple[str, ...]
    ttl_seconds: float
