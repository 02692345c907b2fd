"""JSON schemas of what a request may say, from the features of the models that are live."""

from typing import Any

from churn_platform.published.contract import CUSTOMER_ID, PublishedFeature
from serving.live import Portfolio, Registry

Schema = dict[str, Any]

ID: Schema = {
    "type": ["string", "null"],
    "minLength": 1,
    "maxLength": 511,
    "description": "The operator's customer number.",
}
PROBLEM: Schema = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457); `errors` names each field, its value and what is allowed.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def request_schemas(registry: Registry) -> tuple[dict[str, Schema], dict[str, Schema]]:
    """(schemas by name, body schema by path) for the portfolios that are served."""
    schemas: dict[str, Schema] = {}
    paths: dict[str, Schema] = {}
    default = registry.get(None).name if registry.served else None
    for portfolio in registry.served:
        for action, schema in _bodies(registry.get(portfolio)).items():
            name = f"{portfolio}{action.replace('/', '-')}"
            schemas[name] = schema
            reference: Schema = {"$ref": f"#/components/schemas/{name}"}
            paths.setdefault(f"/{{portfolio}}{action}", {"anyOf": []})["anyOf"].append(reference)
            if portfolio == default:
                paths[action] = reference
    return schemas, paths


def _bodies(portfolio: Portfolio) -> dict[str, Schema]:
    model = portfolio.arms.champion.model
    features: dict[str, Schema] = {
        name: feature_schema(feature)
        for feature in model.manifest.features
        for name in (feature.name, *([feature.source] if feature.source else []))
    }
    example: dict[str, Any] = model.catalogue.decoded(model.catalogue.references)
    ids: dict[str, Schema] = {CUSTOMER_ID: ID, portfolio.id_column: ID}
    customer = _object(ids | features, example={CUSTOMER_ID: "C0000001"} | example)
    changes = _object(features, minProperties=1)
    return {
        "/predict": customer,
        "/predict/batch": _object({"customers": {"type": "array", "minItems": 1, "items": customer}}, ["customers"]),
        "/explain": _object(ids | features | {"what_if": changes}, example={CUSTOMER_ID: "C0000001"} | example),
        "/features/push": _object(
            {
                CUSTOMER_ID: ID | {"type": "string"},
                "features": changes,
                "ttl_seconds": {"type": "number", "exclusiveMinimum": 0},
            },
            [CUSTOMER_ID, "features"],
        ),
    }


def _object(properties: dict[str, Schema], required: list[str] | None = None, **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
        **more,
    }


def feature_schema(feature: PublishedFeature) -> Schema:
    """What a request may say of one feature, as `inputs` checks it."""
    unit = f" ({feature.unit})" if feature.unit else ""
    none: list[Any] = [None] if feature.nullable else []
    about = {"description": f"{feature.description}{unit}"}
    if feature.type == "category":
        return about | {"enum": [*feature.levels, *none]}
    if feature.type == "boolean":
        return about | {"enum": [True, False, "Yes", "No", 1, 0, *none]}
    low, high = feature.range
    bounds = {"minimum": low} if low is not None else {}
    bounds |= {"maximum": high} if high is not None else {}
    kind = "integer" if feature.type == "integer" else "number"
    return about | {"type": [kind, "null"] if feature.nullable else kind} | bounds
