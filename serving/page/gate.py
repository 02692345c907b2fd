"""Who may open what: asked before every handler. A handler that names no permission is refused."""

import hmac
import time
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.response import Redirect

from serving.page.context import Page
from serving.page.embedding import is_embedded, wants_json
from serving.page.roles import PUBLIC, may
from serving.page.store import Session
from serving.page.trusted_proxy import proxy_session

COOKIE = "churn_page"
PERMISSION = "permission"
SAFE = ("GET", "HEAD")
HTTP_FORBIDDEN = 403


def page_of(request: Request[Any, Any, Any]) -> Page:
    """The running page."""
    return request.app.state["page"]


def session_of(request: Request[Any, Any, Any]) -> Session:
    """Who asks; only in handlers that are not public."""
    found = request.state.get("session")
    if found is None:
        raise NotAuthorizedException("sign in")
    return found


def needs(permission: str) -> dict[str, Any]:
    """Option of a handler: what one must be allowed to."""
    return {PERMISSION: permission}


async def admit(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """Find out who asks, and refuse what is not theirs to ask."""
    permission = request.route_handler.opt.get(PERMISSION)
    if permission is None:
        raise PermissionDeniedException("this page names no permission, so nobody has it")
    session = _session(request)
    request.state["session"] = session
    if permission == PUBLIC:
        if request.method not in SAFE:
            _check_site(request)
        return None
    if session is None:
        # Neither a frame nor a program can fill in the form.
        can_sign_in = not is_embedded(request) and not wants_json(request)
        if request.method in SAFE and can_sign_in:
            return Redirect(f"/login?next={quote(request.url.path)}", status_code=303)
        raise NotAuthorizedException("sign in")
    if not may(session.roles, permission):
        raise PermissionDeniedException(f"your role may not: {permission}")
    if request.method not in SAFE:
        _check_site(request)
        await _check_token(request, session)
    return None


def _session(request: Request[Any, Any, Any]) -> Session | None:
    page = page_of(request)
    settings = page.settings
    if settings.proxy_header:
        # Behind a proxy that signs people in, no cookie of ours counts.
        return proxy_session(request, page)
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    return page.store.session(
        token,
        now=time.time(),
        idle=settings.session_idle_seconds,
        life=settings.session_seconds,
    )


def _check_site(request: Request[Any, Any, Any]) -> None:
    """A form of another site is refused, whatever cookie the browser sent along."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDeniedException("a page of another site asks")
    origin = request.headers.get("origin")
    if origin and origin.partition("//")[2] != request.headers.get("host"):
        raise PermissionDeniedException("a page of another site asks")


async def _check_token(request: Request[Any, Any, Any], session: Session) -> None:
    given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf") or ""
    if not hmac.compare_digest(str(given).encode(), session.csrf.encode()):
        raise PermissionDeniedException("the form is too old, or not ours; open the page again")
