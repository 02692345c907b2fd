"""Who may call what: API keys with scopes and rates, asked before every handler; and what no web
page may do.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from litestar.config.cors import CORSConfig
from litestar.types import Scope

from serving.errors import NotAllowed, NotAuthenticated, NotJson
from serving.http.middleware import BODY, FAULT, HEADERS, WITHOUT_BODY
from serving.security.callers import ANYBODY, Caller
from serving.security.key_ring import KeyRing
from serving.security.rate_limit import Limiter
from serving.settings import LOOPBACK

PUBLIC, ANY_KEY = "public", "any"
NEEDS, CALLER = "needs", "caller"
BEARER = b"bearer "
JSON = b"application/json"
OWN_SITE = (b"same-origin", b"none")  # a page of ours; the user's own address bar

Headers = Mapping[bytes, bytes]


class Gate:
    """Lets a request through, or raises.

    is_open: before there is any key everybody may ask, but for web pages of other sites that `cors`
    does not let in.
    default_portfolio: names the portfolio that answers at the root.
    """

    def __init__(
        self,
        keys: KeyRing,
        limiter: Limiter,
        *,
        is_open: bool,
        requests_per_second: float,
        cors: CORSConfig | None,
        default_portfolio: Callable[[], str],
    ):
        self._keys, self._limiter, self._rate = keys, limiter, requests_per_second
        self._is_open, self._cors, self._default_portfolio = is_open, cors, default_portfolio

    def admit(self, scope: Scope) -> None:
        """Find out who asks, and count the request against their rate. It needs no body, and no
        route.
        """
        state = scope["state"]
        headers: Headers = state[HEADERS]
        if self._is_open and not self._keys.is_in_use:
            _check_host(headers.get(b"host"))
            _check_site(scope["method"], headers, self._cors)  # type: ignore[typeddict-item]
            state[CALLER] = ANYBODY
            return

        state[CALLER] = self._caller(headers)
        state[CALLER].count()

    def check(self, scope: Scope, needs: str, portfolio: str | None) -> None:
        """Whether the handler may answer; `needs` is what it asks of a key, `portfolio` the one
        that the path names.
        """
        state = scope["state"]
        # Raised here, not where it arose, so that it is answered like every other error.
        if FAULT in state:
            raise state[FAULT]  # in no variable of this frame: the traceback holds the frame

        headers: Headers = state[HEADERS]
        content_type = headers.get(b"content-type")
        if content_type != JSON and (content_type is not None or state.get(BODY)):
            _check_type(content_type or b"")

        if needs == PUBLIC:
            if self._is_open and not self._keys.is_in_use:
                _check_host(headers.get(b"host"))

            return

        if CALLER not in state:
            self.admit(scope)
        elif self._keys.is_in_use:  # the key may have been revoked while the body was on its way
            state[CALLER] = self._caller(headers)

        caller: Caller = state[CALLER]
        if needs == ANY_KEY:  # a handler that tells of all portfolios
            caller.check_portfolio(None)
        else:
            caller.check_scope(needs)
            caller.check_portfolio(portfolio or self._default_portfolio())

    def _caller(self, headers: Headers) -> Caller:
        secret = _secret(headers)
        key = self._keys.find(secret) if secret else None
        if key is None:
            raise NotAuthenticated(
                "send a known API key in the header X-API-Key, or as a bearer token"
            )

        return Caller(key, self._limiter, self._rate)


def _check_type(content_type: bytes) -> None:
    """NotJson for what a web page may send without asking: a form, plain text,
    or no type at all.
    """
    if content_type.lower().split(b";", 1)[0].strip() != JSON:
        raise NotJson(
            f"content type {content_type[:80].decode('latin-1')!r}; send application/json"
        )


# Nearly all requests name one of a few hosts; the check then costs a dictionary look-up.
@lru_cache(64)
def _check_host(host: bytes | None) -> None:
    """NotAllowed where a name other than this machine's own was asked for.

    A page whose own name has been made to point to loopback (DNS rebinding) is of the same origin
    to its browser; only the name in its requests tells it apart.
    """
    name = (host or b"localhost").decode("latin-1").lower()
    name = (
        name.removeprefix("[").partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    )
    # DNS rebinding: without keys the name in the request is all that tells such a page apart.
    if name not in LOOPBACK:
        raise NotAllowed(
            f"host {name[:80]!r}; without API keys only {', '.join(LOOPBACK)} are answered, "
            "make a key"
        )


def _check_site(method: str, headers: Headers, cors: CORSConfig | None) -> None:
    """NotAllowed where a browser asks for a page of another site: a key cannot tell it apart when
    there is none.
    """
    # Such a page reads no answer, but what it asks would be done. Browsers name the site; old ones
    # at least the origin. Links are followed.
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if (site is None and origin is None) or site in OWN_SITE:
        return
    if site is None and origin is not None and origin.partition(b"//")[2] == headers.get(b"host"):
        return
    if method in WITHOUT_BODY and headers.get(b"sec-fetch-mode") == b"navigate":
        return
    if not (cors and origin and cors.is_origin_allowed(origin.decode("latin-1"))):
        raise NotAllowed(
            "a page of another site asks; name its origin in SERVING_CORS_ORIGINS, or make a key"
        )


def _secret(headers: Headers) -> bytes | None:
    """The secret in the headers; an empty `X-API-Key`, as a proxy or a form may
    add, says nothing.
    """
    if secret := headers.get(b"x-api-key", b"").strip():
        return secret
    bearer = headers.get(b"authorization", b"")
    return bearer[len(BEARER) :].strip() if bearer[: len(BEARER)].lower() == BEARER else None
