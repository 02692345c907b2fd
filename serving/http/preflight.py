"""Answers a refused preflight request with a problem, like every other error; Litestar's CORS
answers plain text.
"""

from typing import Any

from litestar import Request
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.problems import problem

ALLOWED = "SERVING_CORS_ORIGINS names the origins that may ask"


def with_refusals(app: ASGIApp) -> ASGIApp:
    """The application, whose refusals of preflight requests are problems."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.OPTIONS:
            await app(scope, receive, send)
            return

        refused = False

        async def send_problem(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 400:
                refused = True
            elif refused and message["type"] == "http.response.body":
                await _refuse(message["body"].decode(), scope, receive, send)
            else:
                await send(message)

        await app(scope, receive, send_problem)

    return answered


async def _refuse(why: str, scope: Scope, receive: Receive, send: Send) -> None:
    request = Request[Any, Any, Any](scope)
    response = problem(400, f"{why}; {ALLOWED}").to_response(request)
    await response.to_asgi_response(app=None, request=request)(scope, receive, send)
