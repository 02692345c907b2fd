"""Tells schemathesis what the service understands beyond documented types, as the document says in
words.

A finding is left out only where the body, with the spellings read as the document tells, is one
that the schema allows; and of many, where each customer or event that is not allowed got the
error that the document promises. That tensors of the open inference protocol have names that the
model knows, and as many values as their shape says, the document says in words alone: such a
refusal is none.
"""

from typing import Any

import jsonschema_rs
import schemathesis
from schemathesis.specs.openapi.checks import AcceptedNegativeData, RejectedPositiveData

from serving.http.inference_schemas import INFER_PATHS

TRUTH = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
ABSENT_IF_NULL = ("customer_id", "what_if")
REFERENCE = "#/components/schemas/"


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure is one."""
    if isinstance(failure, RejectedPositiveData) and case.operation.path in INFER_PATHS:
        return not response.json().get("error")
    if not isinstance(failure, AcceptedNegativeData):
        return True
    if response.status_code == 413:  # a refusal that schemathesis does not count as one
        return False
    document = case.operation.schema.raw_schema
    request = document["paths"][case.operation.path][case.operation.method.lower()].get(
        "requestBody"
    )
    if request is None:
        return True
    schema = request["content"]["application/json"]["schema"]
    return not is_understood(case.body, schema, document, response.json())


def is_understood(
    body: Any, schema: dict[str, Any], document: dict[str, Any], answer: dict[str, Any]
) -> bool:
    """Whether the schema allows the body once its spellings are read, or the answer names each
    customer it does not.
    """
    read = as_documented(body, schema, document)
    for many in ("customers", "events"):
        if isinstance(read, dict) and isinstance(read.get(many), list):
            refused = refused_in(answer)
            left = [one for place, one in enumerate(read[many]) if place not in refused]
            read = read | {many: left}
            if not left:
                # An empty list is not allowed, so that only what stands beside it is judged.
                del read[many]
                schema = resolved(schema, document) | {"required": []}
                if not refused:
                    return False
    return jsonschema_rs.validator_for(schema | {"components": document["components"]}).is_valid(
        read
    )


def refused_in(answer: dict[str, Any]) -> set[int]:
    """Places of the customers, or events, that an answer on many names as refused."""
    errors = answer.get("errors", [])
    scores = answer.get("predictions")
    if errors and scores is not None:
        return {place for place, score in enumerate(scores) if score is None}
    return {error["position"] for error in errors if "position" in error}


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names, or the schema itself."""
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][
        schema["$ref"].removeprefix(REFERENCE)
    ]
    return found


def as_documented(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The value with each spelling as the value that it stands for."""
    schema = resolved(schema, document)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        read = {
            name: as_documented(one, known.get(name, {}), document) for name, one in value.items()
        }
        return {
            name: one for name, one in read.items() if one is not None or name not in ABSENT_IF_NULL
        }
    if isinstance(value, list):
        return [as_documented(one, schema.get("items", {}), document) for one in value]
    return _leaf(value, schema.get("type", ()))


def _leaf(value: Any, kinds: Any) -> Any:
    if isinstance(value, str) and not value.strip() and "null" in kinds:
        return None
    if "boolean" in kinds and isinstance(value, str | int):
        return TRUTH.get(str(value).strip().lower(), value)
    if isinstance(value, str) and ("number" in kinds or "integer" in kinds):
        try:
            return float(value)
        except ValueError:
            return value
    return value
