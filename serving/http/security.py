"""Who may call what: API keys with scopes and rates, asked before every handler; and what no web page may do."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil

from litestar.config.cors import CORSConfig
from litestar.types import Scope

from serving.errors import NotAllowed, NotAuthenticated, NotJson, TooManyRequests
from serving.http.envelope import BODY, FAULT, HEADERS, WITHOUT_BODY
from serving.keys import KeyRing
from serving.limits import Limiter
from serving.settings import LOOPBACK

PUBLIC, ANY_KEY, SCORE, PUSH, ADMIN = "public", "any", "score", "push", "admin"
NEEDS = "needs"
BEARER = b"bearer "
JSON = b"application/json"
OWN_SITE = (b"same-origin", b"none")  # a page of ours; the user's own address bar

Headers = Mapping[bytes, bytes]
Gate = Callable[[Scope, str], None]


def gate(
    keys: KeyRing, limiter: Limiter, *, is_open: bool, requests_per_second: float, cors: CORSConfig | None
) -> Gate:
    """A check that lets a request through, or raises, for what the handler `needs`.

    is_open: before there is any key everybody may ask, but for web pages of other sites that `cors` does not let in.
    """

    def check(scope: Scope, needs: str) -> None:
        state = scope["state"]
        if fault := state.get(FAULT):
            raise fault
        headers: Headers = state[HEADERS]
        content_type = headers.get(b"content-type")
        if content_type != JSON and (content_type is not None or state.get(BODY)):
            _check_type(content_type or b"")
        if is_open and not keys.is_in_use:
            _check_host(headers.get(b"host"))
            if needs != PUBLIC:
                _check_site(scope["method"], headers, cors)  # type: ignore[typeddict-item]
            return
        if needs == PUBLIC:
            return
        secret = _secret(headers)
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
    if content_type.lower().split(b";", 1)[0].strip() != JSON:
        raise NotJson(f"content type {content_type[:80].decode('latin-1')!r}; send application/json")


@lru_cache(64)
def _check_host(host: bytes | None) -> None:
    """NotAllowed where a name other than this machine's own was asked for.

    A page whose own name has been made to point to loopback (DNS rebinding) is of the same origin to its browser; only
    the name in its requests tells it apart.
    """
    name = (host or b"localhost").decode("latin-1").lower()
    name = name.removeprefix("[").partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    if name not in LOOPBACK:
        raise NotAllowed(f"host {name[:80]!r}; without API keys only {', '.join(LOOPBACK)} are answered, make a key")


def _check_site(method: str, headers: Headers, cors: CORSConfig | None) -> None:
    """NotAllowed where a browser asks for a page of another site: a key cannot tell it apart when there is none.

    Such a page reads no answer, but what it asks would be done. Browsers name the site; old ones at least the origin.
    Links are followed.
    """
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if (site is None and origin is None) or site in OWN_SITE:
        return
    if site is None and origin is not None and origin.partition(b"//")[2] == headers.get(b"host"):
        return
    if method in WITHOUT_BODY and headers.get(b"sec-fetch-mode") == b"navigate":
        return
    if not (cors and origin and cors.is_origin_allowed(origin.decode("latin-1"))):
        raise NotAllowed("a page of another site asks; name its origin in SERVING_CORS_ORIGINS, or make a key")


def _secret(headers: Headers) -> bytes | None:
    secret, bearer = headers.get(b"x-api-key"), headers.get(b"authorization", b"")
    return bearer[7:].strip() if secret is None and bearer[:7].lower() == BEARER else secret
