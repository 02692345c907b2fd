"""What the controllers share: a path for the default portfolio and for a named one, and where the service is found."""

from typing import Any

from litestar import Request

from serving.dataplane import Dataplane
from serving.http.envelope import REQUEST_ID
from serving.http.security import NEEDS

PLANE = "plane"
Asking = Request[Any, Any, Any]


def both(path: str) -> list[str]:
    """A path at the root, for the default portfolio, and below a portfolio's name."""
    return [path, f"/{{portfolio:str}}{path}"]


def needs(scope: str) -> dict[str, str]:
    """The scope that a handler asks of an API key."""
    return {NEEDS: scope}


def plane_of(request: Asking) -> Dataplane:
    """The service behind the routes."""
    return request.app.state[PLANE]


def id_of(request: Asking) -> str:
    """The request's id."""
    return request.scope["state"][REQUEST_ID]
