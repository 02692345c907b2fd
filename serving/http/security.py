"""Who may call what: API keys with scopes and rates, asked before every handler."""

import time
from collections.abc import Awaitable, Callable
from math import ceil
from typing import Any

from litestar import Request

from serving.errors import NotAllowed, NotAuthenticated, NotJson, TooManyRequests
from serving.http.envelope import BODY, FAULT
from serving.keys import KeyRing
from serving.limits import Limiter

PUBLIC, ANY_KEY, SCORE, PUSH, ADMIN = "public", "any", "score", "push", "admin"
NEEDS = "needs"
BEARER = b"bearer "
JSON = b"application/json"

BeforeRequest = Callable[[Request[Any, Any, Any]], Awaitable[None]]


def gate(keys: KeyRing, limiter: Limiter, *, is_open: bool, requests_per_second: float) -> BeforeRequest:
    """A hook that lets a request through or raises; a handler that says nothing of its needs wants an admin's key."""

    async def check(request: Request[Any, Any, Any]) -> None:
        if fault := request.scope["state"].get(FAULT):
            raise fault
        secret, content_type = _headers(request)
        if content_type != JSON and (content_type is not None or request.scope["state"].get(BODY)):
            _check_type(content_type or b"")
        needs = request.route_handler.opt.get(NEEDS, ADMIN)
        if needs == PUBLIC or (is_open and not keys):
            return
        key = keys.find(secret) if secret else None
        if key is None:
            raise NotAuthenticated("send a known API key in the header X-API-Key, or as a bearer token")
        if needs != ANY_KEY and needs not in key.scopes:
            raise NotAllowed(f"key {key.name!r} lacks the scope {needs!r}; it has {', '.join(key.scopes)}")
        wait = limiter.wait_seconds(key.slot, key.requests_per_second or requests_per_second, time.monotonic())
        if wait:
            raise TooManyRequests(f"key {key.name!r} is over its rate; wait {wait:.3f} s", wait_seconds=ceil(wait))

    return check


def _check_type(content_type: bytes) -> None:
    """NotJson for what a web page may send without asking: a form, plain text, or no type at all."""
    if content_type.split(b";", 1)[0].strip() != JSON:
        raise NotJson(f"content type {content_type[:80].decode('latin-1')!r}; send application/json")


def _headers(request: Request[Any, Any, Any]) -> tuple[bytes | None, bytes | None]:
    """(secret, content type), in one pass over the raw headers."""
    secret = content_type = None
    for name, value in request.scope["headers"]:
        if name == b"x-api-key":
            secret = value
        elif name == b"authorization" and secret is None and value[:7].lower() == BEARER:
            secret = value[7:].strip()
        elif name == b"content-type":
            content_type = value.lower()
    return secret, content_type
