"""What the controllers share: paths, what a request carries, and where the service is found."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.types import ASGIApp, Method, Receive, Scope, Send
from litestar.types.internal_types import PathParameterDefinition

from serving.answer.dataplane import Dataplane
from serving.http.authorisation import CALLER, NEEDS, Gate
from serving.http.background import Background
from serving.http.middleware import BODY, REQUEST_ID
from serving.security.api_keys import ADMIN, SCORE
from serving.security.callers import Caller
from serving.security.key_ring import KeyRing

PLANE, GATE, KEYS, BACKGROUND = "plane", "gate", "keys", "background"
OF_PORTFOLIO = "_of_portfolio"
PREDICTION = SCORE  # what `POST /predict` asks of a key, the short way and Litestar's
Asking = Request[Any, Any, Any]
# One encoder for all answers: making one costs more than encoding.
encode = msgspec.json.Encoder().encode


def both(path: str) -> list[str]:
    """A path at the root, for the default portfolio, and below a portfolio's name."""
    return [path, f"/{{portfolio:str}}{path}"]


def named(
    operation_id: str,
) -> Callable[[Any, Method, Sequence[str | PathParameterDefinition]], str]:
    """The operation's name in the document; its twin below a portfolio's name says so."""

    def name_of(_: Any, __: Method, path: Sequence[str | PathParameterDefinition]) -> str:
        below_portfolio = bool(path) and not isinstance(path[0], str)
        return f"{operation_id}{OF_PORTFOLIO}" if below_portfolio else operation_id

    return name_of


def needs(scope: str) -> dict[str, str]:
    """The scope that a handler asks of an API key."""
    return {NEEDS: scope}


async def knock(request: Asking) -> None:
    """Ask the gate, before every handler; one that says nothing of its needs
    wants an admin's key.
    """
    gate: Gate = request.app.state[GATE]
    # The default is `admin`: a route whose author forgot the scope is closed, not open.
    gate.check(request.scope, request.route_handler.opt.get(NEEDS, ADMIN), portfolio_of(request))


def plane_of(request: Asking) -> Dataplane:
    """The service behind the routes."""
    return request.app.state[PLANE]


def keys_of(request: Asking) -> KeyRing:
    """The API keys that hold."""
    return request.app.state[KEYS]


def portfolio_of(request: Asking) -> str | None:
    """The portfolio that the path names; None at the root."""
    return request.scope["path_params"].get("portfolio")


def caller_of(request: Asking) -> Caller:
    """Who asks, as the gate found out."""
    return request.scope["state"][CALLER]


def id_of(request: Asking) -> str:
    """The request's id."""
    return request.scope["state"][REQUEST_ID]


def body_of(request: Asking) -> bytes:
    """The request's body."""
    return request.scope["state"][BODY]


async def in_background(request: Asking, work: Callable[[Callable[[], None]], ASGIApp]) -> ASGIApp:
    """The answer of long work, done in the thread of batches while the client waits for it."""
    background: Background = request.app.state[BACKGROUND]
    return await background.run(request.receive, work)


def answers(shape: type[msgspec.Struct]) -> dict[int, ResponseSpec]:
    """What a handler that returns `Encoded` is documented to answer."""
    return {
        200: ResponseSpec(
            data_container=shape,
            generate_examples=False,
            description="The answer.",
        )
    }


class Encoded:
    """An answer as JSON, sent without Litestar's response objects, which cost
    more than a look-up.
    """

    __slots__ = ("_body",)

    def __init__(self, answer: msgspec.Struct):
        self._body = encode(answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        body = self._body
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
