"""JSON schemas of what a request may say, from the features of the models that are live.

A feature is documented by its own name and with one type, as generators of clients want it. What
the service understands beside that (the source's column names, and its spellings of numbers and
booleans) is said in words.
"""

from typing import Any

from churn_platform.published.customer_events import EVENT_TIME
from churn_platform.published.format import CUSTOMER_ID, PublishedFeature
from serving.answer.batch import SUMMARY, THRESHOLD
from serving.answer.events import EVENTS
from serving.answer.explanation import WHAT_IF
from serving.http.inference_schemas import (
    ERROR,
    INFER_PATHS,
    INFERENCE_ERROR,
    REQUEST,
    inference_example,
    inference_request,
)
from serving.registry import Registry, ServedPortfolio
from serving.request.complete_request import FLOAT32_MAX
from serving.request.inputs import CUSTOMER_ID_BYTES_MAX
from serving.settings import ServiceSettings
from serving.storage.pushed_store import overlay_id_bytes_max

Schema = dict[str, Any]
Body = tuple[Schema, Schema]
"""A reference to the schema of a body, and an example that the service accepts."""

EXAMPLE_ID, EXAMPLE_TIME = "C0000001", "2026-01-01T00:00:00Z"
ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": CUSTOMER_ID_BYTES_MAX,
    "description": (
        f"The operator's customer number, at most {CUSTOMER_ID_BYTES_MAX} bytes in UTF-8. "
        "Features that are not sent are looked up by it. null counts as not sent."
    ),
}
# What clients of other systems ask of a batch; without them the answer is as it was.
WISHES: dict[str, Schema] = {
    THRESHOLD: {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 1,
        "description": (
            "Probability from which `churn_prediction` is true, in place of each version's own. "
            "Monitoring and the prediction log keep what the version decides."
        ),
    },
    SUMMARY: {
        "type": "boolean",
        "default": False,
        "description": f"Whether the answer has totals; with `{THRESHOLD}` it has.",
    },
}
PROBLEM: Schema = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {
            "type": "string",
            "description": "Always `about:blank`: the status says what kind of problem it is.",
        },
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What is wrong here, and what to do about it."},
        "errors": {
            "type": "array",
            "description": "With status 422: each field that is not allowed.",
            "items": {"$ref": "#/components/schemas/FieldError"},
        },
    },
}
FIELD_ERROR: Schema = {
    "title": "FieldError",
    "description": "One field that is not allowed.",
    "type": "object",
    "required": ["field", "allowed"],
    "properties": {
        "field": {"type": "string", "description": "Name of the field."},
        "value": {
            "description": "What was sent, shortened; the type alone of an object or a list."
        },
        "allowed": {"type": "string", "description": "What may be sent, in words."},
    },
}
SPELLINGS = {
    "boolean": 'Also understood: "Yes" and "No", "true" and "false" in any case, 1 and 0.',
    "number": "Also understood: the number as text.",
    "integer": "Also understood: the number as text.",
}


def request_schemas(
    registry: Registry, settings: ServiceSettings
) -> tuple[dict[str, Schema], dict[str, Body]]:
    """(schemas by name, body by path) for the portfolios that are served; the default one is at the
    root, too.
    """
    schemas: dict[str, Schema] = {
        "Problem": PROBLEM,
        "FieldError": FIELD_ERROR,
        ERROR: INFERENCE_ERROR,
        REQUEST: inference_request(settings),
    }
    bodies: dict[str, Body] = {}
    for name in registry.served:
        portfolio = registry.get(name)
        customer = _reference(f"{name}-predict")
        for action, (schema, example) in _bodies(portfolio, settings, customer).items():
            schema_name = f"{name}{action.replace('/', '-')}"
            body = _reference(schema_name), example
            schemas[schema_name] = schema
            bodies[f"/{name}{action}"] = body
            if name == registry.default:  # the one that answers at the root
                bodies[action] = body

    if registry.served:
        example = inference_example(registry.shown)
        bodies |= dict.fromkeys(INFER_PATHS, (_reference(REQUEST), example))

    return schemas, bodies


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _bodies(
    portfolio: ServedPortfolio, settings: ServiceSettings, customer: Schema
) -> dict[str, Body]:
    """(schema, example) by action."""
    catalogue = portfolio.traffic.champion.model.catalogue
    features = {feature.name: feature_schema(feature) for feature in catalogue.features}
    example = catalogue.example()
    some = {name: example[name] for name in list(example)[:1]}
    known = f"A customer of {portfolio.name}: {_names(portfolio)}"
    changes = _object(features, "Features with other values.", minProperties=1)
    tried = changes | {"description": "Features with the values to try; null counts as not sent."}
    pushed_id: Schema = {
        "type": "string",
        "minLength": 1,
        "maxLength": overlay_id_bytes_max(portfolio.name),
    }
    pushed_id["description"] = "The operator's customer number."
    pushed: Schema = {
        CUSTOMER_ID: pushed_id,
        "features": changes,
        "ttl_seconds": _seconds_to_live(settings),
    }
    example_push = {CUSTOMER_ID: EXAMPLE_ID, "features": some}
    # Beside `what_if` the customer has to be named or described.
    with_customer: Schema = {"if": {"required": [WHAT_IF]}, "then": {"minProperties": 2}}
    return {
        "/predict": (_object({CUSTOMER_ID: ID} | features, known, minProperties=1), example),
        "/predict/batch": (
            _object(
                {"customers": _customers(customer, settings)} | WISHES,
                "Many customers.",
                ["customers"],
            ),
            {"customers": [example]},
        ),
        "/explain": (
            _object(
                {CUSTOMER_ID: ID} | features | {WHAT_IF: tried},
                known,
                minProperties=1,
                **with_customer,
            ),
            example | {WHAT_IF: some},
        ),
        "/features/push": (
            _object(pushed, "Values that count for a while.", [CUSTOMER_ID, "features"]),
            example_push,
        ),
        "/features/events": (
            _object({EVENTS: _events(pushed, settings)}, "Events of a stream.", [EVENTS]),
            {EVENTS: [example_push | {EVENT_TIME: EXAMPLE_TIME}]},
        ),
    }


def _names(portfolio: ServedPortfolio) -> str:
    """In words, what a customer may be described by beside the features' own names."""
    text = "an id, features, or both; features that are sent go before those that are looked up."
    sources = any(feature.source for feature in portfolio.traffic.champion.model.catalogue.features)
    if sources or portfolio.id_column != CUSTOMER_ID:
        text += (
            f" A row of the source's file is a valid request as it is (`{portfolio.id_column}` for "
            f"`{CUSTOMER_ID}`)."
        )

    return text


def _customers(customer: Schema, settings: ServiceSettings) -> Schema:
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": settings.batch_max,
        "items": customer,
        "description": (
            "Scored in this order; one that cannot be scored gets an error of its own, in a 200."
        ),
    }


def _events(pushed: Schema, settings: ServiceSettings) -> Schema:
    # No format: one in the future is refused, which a schema cannot say.
    at: Schema = {
        "type": "string",
        "description": "When it was: RFC 3339 with its distance to UTC, not in the future.",
    }
    event = _object(pushed | {EVENT_TIME: at}, "An event.", [CUSTOMER_ID, "features", EVENT_TIME])
    return {
        "type": "array",
        "minItems": 1,
        "maxItems": settings.batch_max,
        "items": event,
        "description": "In any order; one that is wrong gets an error of its own, in a 200.",
    }


def _seconds_to_live(settings: ServiceSettings) -> Schema:
    return {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": settings.push_ttl_seconds_max,
        "default": settings.push_ttl_seconds,
        "description": "How long the values count, in seconds.",
    }


def _object(
    properties: dict[str, Schema], description: str, required: list[str] | None = None, **more: Any
) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
        **more,
    }


def feature_schema(feature: PublishedFeature) -> Schema:
    """What a request may say of one feature by its own name; what `inputs` reads beyond that is
    told in words.
    """
    about: Schema = {"description": " ".join(_sentences(feature))}
    kind = "string" if feature.type == "category" else feature.type
    about |= {"type": [kind, "null"] if feature.nullable else kind}
    if feature.type == "category" and feature.other is not None:
        return about  # a value that is not listed counts as the level for others
    if feature.type == "category":
        return about | {"enum": [*feature.levels, *([None] if feature.nullable else [])]}
    if feature.type == "boolean":
        return about

    low, high = feature.range
    # Without a range the model's own type bounds what can be computed with.
    return about | {
        "minimum": -FLOAT32_MAX if low is None else low,
        "maximum": FLOAT32_MAX if high is None else high,
    }


def _sentences(feature: PublishedFeature) -> list[str]:
    said = [feature.description.rstrip(".") + (f" ({feature.unit})." if feature.unit else ".")]
    if feature.type in SPELLINGS:
        said.append(SPELLINGS[feature.type])

    if feature.nullable:
        said.append("null, or a blank text, where it is not known.")

    if feature.source and feature.source != feature.name:
        said.append(f"The source's name, `{feature.source}`, is understood as well.")

    return said
