"""What the service answers: the same structs in HTTP, in OpenAPI and in tests."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

STORED_SCORE, FEATURES, BASE_RATE = "stored_score", "features", "base_rate"


# The answers are our own, so checking them again would only cost time.
def about(sentence: str, *, ge: float | None = None, le: float | None = None) -> Meta:
    """What the OpenAPI document says of a field. Nothing is checked: answers are only written."""
    return Meta(
        description=sentence,
        ge=ge,
        le=le,
    )


class Answer(msgspec.Struct, kw_only=True):
    """A churn score, and all that is needed to trace it."""

    request_id: Annotated[
        str, about("Id of the request, as in `x-request-id` and in the prediction log.")
    ]
    portfolio: Annotated[str, about("Portfolio that answered.")]
    customer_id: Annotated[str | None, about("The customer asked about; null for features alone.")]
    churn_probability: Annotated[
        float,
        about(
            "Calibrated probability that the customer leaves in the month after the features' "
            "month.",
            ge=0,
            le=1,
        ),
    ]
    threshold: Annotated[
        float,
        about(
            "`churn_prediction` is true from this probability on; a model version's own.",
            ge=0,
            le=1,
        ),
    ]
    churn_prediction: Annotated[bool, about("Whether the probability reaches the threshold.")]
    confidence: Annotated[
        float,
        about(
            "The model's own probability that `churn_prediction` is right; no statement "
            "on the model.",
            ge=0,
            le=1,
        ),
    ]
    risk_tier: Annotated[str, about("Name of the risk tier that the probability falls into.")]
    reasons: Annotated[
        tuple[str, ...],
        about("What raises the risk most, at most three sentences; none in the lowest tier."),
    ]
    model_version: Annotated[int, about("Version of the model that scored.")]
    arm: Annotated[str, about("Its role: `champion` or `challenger`.")]
    features_month: Annotated[
        str | None,
        about(
            "Month of the features that are looked up, as YYYY-MM; null while none is published."
        ),
    ]
    scored_from: Annotated[
        str,
        about(
            "`stored_score` (the monthly score), `features` (scored now) "
            "or `base_rate` (see `cold_start`)."
        ),
    ]
    cold_start: Annotated[
        bool,
        about("The customer is known by id only, without any feature, and gets the base rate."),
    ]
    missing_features: Annotated[
        tuple[str, ...],
        about("Features that were neither sent, pushed nor stored; the model's default stood in."),
    ]
    pushed_features: Annotated[tuple[str, ...], about("Features whose pushed value was used.")]
    latency_ms: Annotated[float, about("Time spent in the service, in milliseconds.")]


class BatchError(msgspec.Struct, kw_only=True):
    """Why customers of a batch got no score: the problem that each alone would have met, told once
    for those alike.
    """

    position: Annotated[int, about("Place of the first such customer in the request, from 0.")]
    customer_id: Annotated[str | None, about("The first one's id, where one was sent as text.")]
    count: Annotated[int, about("How many customers met this error.")]
    positions: Annotated[list[int], about("Their places in the request, the first hundred.")]
    status: Annotated[int, about("The HTTP status that each customer alone would have got.")]
    detail: Annotated[str, about("What is wrong, with the values of the first one.")]
    errors: Annotated[
        list[dict[str, Any]], about("Each field that is not allowed, at most five.")
    ] = []


class BatchSummary(msgspec.Struct, kw_only=True):
    """Totals over a batch, for clients that know them from another system."""

    total: Annotated[int, about("Customers of the request.")]
    scored: Annotated[int, about("Those who have a score.")]
    churners: Annotated[int, about("Those of them whose `churn_prediction` is true.")]
    churn_rate: Annotated[
        float | None,
        about("`churners` by `scored`; null where nobody could be scored."),
    ]


class BatchAnswer(msgspec.Struct, kw_only=True):
    """Scores in the order of the request, null for each customer that has none;
    `errors` say why.
    """

    request_id: Annotated[
        str, about("Id of the request, as in `x-request-id` and in the prediction log.")
    ]
    portfolio: Annotated[str, about("Portfolio that answered.")]
    predictions: Annotated[
        list[Answer | None],
        about("In the order of the request; null for a customer with an error."),
    ]
    errors: Annotated[
        list[BatchError], about("One per kind of error, however many customers met it.")
    ]
    summary: Annotated[
        BatchSummary | msgspec.UnsetType,
        about("Totals, where the request has `summary` or `threshold`."),
    ] = msgspec.UNSET
    latency_ms: Annotated[float, about("Time spent in the service, in milliseconds.")]


class EventError(msgspec.Struct, kw_only=True):
    """Why an event was not kept."""

    position: Annotated[int, about("Its place in the request, from 0.")]
    detail: Annotated[str, about("What is wrong with it, at most five fields.")]


class EventsAnswer(msgspec.Struct, kw_only=True):
    """What became of events."""

    request_id: Annotated[str, about("Id of the request, as in `x-request-id`.")]
    portfolio: Annotated[str, about("Portfolio that keeps the values.")]
    kept: Annotated[int, about("How many events changed what is held of a customer.")]
    outdated: Annotated[
        int, about("How many changed nothing: newer ones came before, or their time is over.")
    ]
    errors: Annotated[list[EventError], about("Those that are wrong, and were not kept.")]


class CustomerView(msgspec.Struct, kw_only=True):
    """What is known of a customer: the score, the stored features and those pushed since."""

    score: Annotated[Answer, about("The score, as `POST /predict` gives it.")]
    features: Annotated[dict[str, Any], about("Stored features by name.")]
    pushed: Annotated[dict[str, Any], about("Pushed values by name, where there are any.")]


class Contribution(msgspec.Struct, kw_only=True):
    """What one feature does: log-odds it adds against a typical customer's value, and the
    probability with that.
    """

    feature: Annotated[str, about("Name of the feature.")]
    value: Annotated[Any, about("Its value; null where missing.")]
    reference: Annotated[
        Any, about("What a typical customer has: median or most frequent value of the hold-out.")
    ]
    effect_log_odds: Annotated[
        float,
        about("Log-odds that the value adds against the reference; above 0 it raises the risk."),
    ]
    churn_probability_at_reference: Annotated[
        float, about("The probability with the reference instead.", ge=0, le=1)
    ]
    sentence: Annotated[str, about("The value in words.")]


class WhatIf(msgspec.Struct, kw_only=True):
    """The probability if these features had these values, all else being equal."""

    changes: Annotated[dict[str, Any], about("The features with the values tried.")]
    churn_probability: Annotated[
        float, about("The probability with them, all else being equal.", ge=0, le=1)
    ]
    risk_tier: Annotated[str, about("The tier of that probability.")]


class Explanation(msgspec.Struct, kw_only=True):
    """A score with what moves it, strongest first, and what changes would do."""

    score: Annotated[Answer, about("The score that is explained.")]
    contributions: Annotated[list[Contribution], about("Effect of each feature, strongest first.")]
    what_if: Annotated[
        list[WhatIf],
        about(
            "What other values would give: those of the request, "
            "else references of what raises the risk most."
        ),
    ]


class PushAnswer(msgspec.Struct, kw_only=True):
    """What was kept, and for how long it counts."""

    request_id: Annotated[
        str, about("Id of the request, as in `x-request-id` and in the prediction log.")
    ]
    portfolio: Annotated[str, about("Portfolio that keeps the values.")]
    customer_id: Annotated[str, about("The customer.")]
    features: Annotated[tuple[str, ...], about("Names of the features kept.")]
    ttl_seconds: Annotated[float, about("How long they count, in seconds.")]
