"""What the document says of each operation beside its body: who may call it, in which ways it
fails, and its limits.
"""

from typing import Any

from serving.http.authorisation import ANY_KEY, PUBLIC
from serving.http.problems import RETRY_SECONDS, speaks_protocol
from serving.security.api_keys import ADMIN, FEATURES, PUSH, SCORE
from serving.settings import ServiceSettings

Operation = dict[str, Any]

PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
PROTOCOL_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/InferenceError"}}}
REQUEST_ID_HEADER = {
    "x-request-id": {
        "description": (
            "Id of the request; the same as in the answer, in log lines and in the prediction log."
        ),
        "schema": {"type": "string"},
    }
}
RETRY_HEADER = {
    "Retry-After": {
        "description": "Seconds to wait before another try.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
KEYED = {
    PUBLIC: "Needs no API key.",
    ANY_KEY: "Needs an API key of any scope that is not bound to portfolios.",
    SCORE: "Needs an API key with the scope `score`.",
    FEATURES: "Needs an API key with the scope `features` as well, where more than an id is sent.",
    PUSH: "Needs an API key with the scope `push`.",
    ADMIN: "Needs an API key with the scope `admin`.",
}


def complete(
    operation: Operation,
    method: str,
    path: str,
    *,
    scope: str,
    is_open: bool,
    settings: ServiceSettings,
) -> None:
    """Add to an operation of Litestar's document what only the service knows."""
    descriptions = [operation.get("description", ""), KEYED[scope]]
    if scope == SCORE and method == "post":
        descriptions.append(KEYED[FEATURES])

    operation["description"] = " ".join(descriptions).strip()
    operation["security"] = security(scope, is_open=is_open)

    responses = {}
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer["headers"] = REQUEST_ID_HEADER
            answer["description"] = "The answer."
            responses[status] = answer

    content = PROTOCOL_CONTENT if speaks_protocol(path) else PROBLEM_CONTENT
    for failed, what in failures(method, path, scope, settings).items():
        responses[str(failed)] = _failure(failed, what, content)

    operation["responses"] = responses


def security(scope: str, *, is_open: bool) -> list[dict[str, list[str]]]:
    """The keys that an operation takes; an empty object means that none is needed, as before there
    is any key.
    """
    if scope == PUBLIC:
        return []
    scopes = [] if scope == ANY_KEY else [scope]
    keys: list[dict[str, list[str]]] = [{"ApiKey": scopes}, {"Bearer": scopes}]
    return [*keys, {}] if is_open else keys


def failures(method: str, path: str, scope: str, settings: ServiceSettings) -> dict[int, str]:
    """Which statuses an operation may fail with, and why."""
    found = {
        403: (
            "The key lacks the scope, or is for other portfolios; or, before there is any key, "
            "another host or "
            "a web page of another site asks."
        ),
        500: "The service failed; its log says why under the request's id.",
    }
    if scope != PUBLIC:
        found[401] = "No API key, or one that is not known."
        found[429] = (
            f"The key is over its rate, {settings.requests_per_second:g} customers a second "
            "unless it has its own."
        )
        found[503] = "No checked model is loaded yet, or answers cannot be logged."
        found[404] = "There is no such customer, portfolio, model or report."

    # Every route has these, also those without a body.
    found[400] = "A header that decides who may ask is there twice."
    if "/health" in path or path.endswith("/ready"):
        found[503] = "Not ready: no checked model is loaded, or answers cannot be logged."

    if path.endswith("/ready") and "{portfolio}" in path:
        found[404] = "There is no such portfolio or version."

    if "{customer_id}" in path:
        found[422] = "The customer id is too long."

    if method == "post":
        found |= _failures_of_bodies(settings)
        if speaks_protocol(path):
            del found[422]
            found[400] += " Or an input, its shape, datatype or a value is not allowed."

    if scope == PUSH:
        found[507] = "There is no space for more pushed features; nothing was kept."

    return dict(sorted(found.items()))


def _failures_of_bodies(settings: ServiceSettings) -> dict[int, str]:
    return {
        400: (
            "The body is no JSON object in UTF-8, names a field twice, "
            "or is not the gzip that it is said to be; "
            "or a header that decides who may ask is there twice."
        ),
        408: f"The request did not arrive within {settings.request_seconds:g} seconds.",
        413: (
            f"The body has more than {settings.body_bytes_max} bytes, "
            f"or a batch more than {settings.batch_max}."
        ),
        415: "The body is not said to be application/json, or is encoded otherwise than by gzip.",
        422: "Some values are not allowed; `errors` names each.",
    }


def _failure(status: int, what: str, content: dict[str, Any]) -> dict[str, Any]:
    waits = status in RETRY_SECONDS or status == 429
    headers = REQUEST_ID_HEADER | (RETRY_HEADER if waits else {})
    return {"description": what, "headers": headers, "content": content}
