"""Answers that may stand in a frame of another page, such as a CRM."""

from typing import Any

from litestar import Request
from litestar.enums import MediaType

from serving.page.settings import PageSettings

POLICY = "content-security-policy"
EMBEDDED = "embedded"
"""Option of a handler whose answers, errors included, may be embedded."""


def is_embedded(request: Request[Any, Any, Any]) -> bool:
    """Whether the answer to a request may be embedded."""
    handler = request.scope.get("route_handler")
    return bool(handler and handler.opt.get(EMBEDDED))


def wants_json(request: Request[Any, Any, Any]) -> bool:
    """Whether a program asks, and not a browser."""
    return MediaType.JSON in request.headers.get("accept", "")


def frame_policy(settings: PageSettings) -> str:
    """The policy of what may be embedded: by the origins of the settings, or by nobody."""
    ancestors = " ".join(settings.frame_ancestors) or "'none'"
    return f"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
