"""Sign in, sign out, and where each role begins."""

import time
from typing import TYPE_CHECKING, Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from serving.page import users
from serving.page.gate import COOKIE, needs, page_of, session_of
from serving.page.html import html
from serving.page.roles import HOMES, PUBLIC, SIGNED_IN, may

if TYPE_CHECKING:
    from serving.page.oidc import Provider

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
        return login_page(request, inside(request.query_params.get("next")))

    @post("/login", opt=needs(PUBLIC), sync_to_thread=True)
    def sign_in(self, request: Request[Any, Any, Any], data: Form) -> Response[Any]:
        """A new session for who knows the password; a name is locked after some failures."""
        page, name, now = page_of(request), data.get("name", "")[:200], time.time()
        settings, store = page.settings, page.store
        target = inside(data.get("next"))
        failed = store.failures(name, since=now - settings.lock_seconds)
        if failed >= settings.failures_max:
            return login_page(request, target, error="login.locked", status=429)
        user = users.checked(settings.users_file, name, data.get("password", ""))
        if user is None:
            store.note_failure(name, now=now)
            return login_page(request, target, error="login.wrong", status=401)
        store.forget_failures(name)
        # What the browser brought along is forgotten: a token that somebody else planted there
        # must not become this user's session.
        if old := request.cookies.get(COOKIE):
            store.end_session(old)
        response: Response[Any] = Redirect(target, status_code=303)
        return with_session(response, store.begin_session(name, user.roles, now=now), settings)

    @post("/logout", opt=needs(SIGNED_IN), sync_to_thread=True)
    def sign_out(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """The end of the session, here and on the server."""
        page, provider = page_of(request), provider_of(request)
        token = request.cookies.get(COOKIE, "")
        id_token = page.store.end_session(token)
        elsewhere = provider.sign_out_address(id_token) if provider and id_token else None
        response: Response[Any] = Redirect("/login", status_code=303)
        if elsewhere:
            # A page, not a redirect: after a form the policy lets the browser go nowhere else.
            request.state["session"] = None
            response = html(request, "go_on.html", target=elsewhere)
        response.delete_cookie(COOKIE)
        return response


def login_page(
    request: Request[Any, Any, Any], target: str, *, error: str = "", status: int = 200
) -> Response[str]:
    """The form, the way to the provider, or both; error: the key of a text."""
    settings = page_of(request).settings
    # Where a provider signs people in, the form is for local users, if there are any.
    has_form = not settings.oidc_issuer or settings.users_file.exists()
    values = {"error": error, "next": target, "has_form": has_form}
    return html(request, "login.html", status=status, **values)


def provider_of(request: Request[Any, Any, Any]) -> "Provider | None":
    """The provider that signs people in; None if there is none."""
    return page_of(request).provider


def with_session(response: Response[Any], token: str, settings: Any) -> Response[Any]:
    """The answer with the session's cookie."""
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="strict", secure=settings.secure_cookie, path="/"
    )
    return response


def inside(target: str | None) -> str:
    """A path of this page; the root for any other address."""
    is_ours = target and target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if target and is_ours else "/"
