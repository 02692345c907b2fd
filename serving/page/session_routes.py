"""Sign in, sign out, and where each role begins."""

import time
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from serving.page import users
from serving.page.gate import COOKIE, needs, page_of, session_of
from serving.page.html import html
from serving.page.roles import HOMES, PUBLIC, SIGNED_IN, may

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class SessionController(Controller):
    """Who is it?"""

    @get("/", opt=needs(SIGNED_IN), sync_to_thread=False)
    def home(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The first page that the role may see."""
        session, portfolios = session_of(request), page_of(request).bundles.portfolios
        if not portfolios:
            return html(request, "empty.html", status=200)
        for permission, path in HOMES:
            if may(session.roles, permission):
                return Redirect(f"/{portfolios[0]}/{path}", status_code=303)
        return Redirect("/access", status_code=303)

    @get("/health", opt=needs(PUBLIC), sync_to_thread=True)
    def health(self, request: Request[Any, Any, Any]) -> dict[str, Any]:
        """Whether the page answers, and which portfolios it shows."""
        return {"status": "ok", "portfolios": page_of(request).bundles.portfolios}

    @get("/login", opt=needs(PUBLIC), sync_to_thread=False)
    def form(self, request: Request[Any, Any, Any]) -> Response[str]:
        """The form to sign in."""
        return html(request, "login.html", error="", next=_inside(request.query_params.get("next")))

    @post("/login", opt=needs(PUBLIC), sync_to_thread=True)
    def sign_in(self, request: Request[Any, Any, Any], data: Form) -> Response[Any]:
        """A new session for who knows the password; a name is locked after some failures."""
        page, name, now = page_of(request), data.get("name", "")[:200], time.time()
        settings, store = page.settings, page.store
        target = _inside(data.get("next"))
        failed = store.failures(name, since=now - settings.lock_seconds)
        if failed >= settings.failures_max:
            return html(request, "login.html", status=429, error="login.locked", next=target)
        user = users.checked(settings.users_file, name, data.get("password", ""))
        if user is None:
            store.note_failure(name, now=now)
            return html(request, "login.html", status=401, error="login.wrong", next=target)
        store.forget_failures(name)
        # What the browser brought along is forgotten: a token that somebody else planted there
        # must not become this user's session.
        if old := request.cookies.get(COOKIE):
            store.end_session(old)
        response: Response[Any] = Redirect(target, status_code=303)
        return with_session(response, store.begin_session(name, user.roles, now=now), settings)

    @post("/logout", opt=needs(SIGNED_IN), sync_to_thread=False)
    def sign_out(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The end of the session, here and on the server."""
        if token := request.cookies.get(COOKIE):
            page_of(request).store.end_session(token)
        response: Response[Any] = Redirect("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response


def with_session(response: Response[Any], token: str, settings: Any) -> Response[Any]:
    """The answer with the session's cookie."""
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=settings.secure_cookie, path="/"
    )
    return response


def _inside(target: str | None) -> str:
    """A path of this page; the root for any other address."""
    is_ours = target and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if target and is_ours else "/"
