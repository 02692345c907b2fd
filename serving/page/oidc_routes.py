"""Sign in by the operator's own provider: to it, and back from it."""

import logging
import secrets
import time
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.response import Redirect

from serving.page.gate import COOKIE, needs, page_of
from serving.page.html import html
from serving.page.oidc import Provider, SignInRefused
from serving.page.roles import PUBLIC
from serving.page.session_routes import inside, login_page, provider_of, with_session
from serving.page.trusted_proxy import roles_of_groups

BROWSER = "churn_page_sign_in"
"""Cookie that ties a sign-in to the browser that began it. It is Lax, unlike the session's: it must
come along when the provider sends the browser back.
"""
SECONDS = 600

logger = logging.getLogger(__name__)


class OidcController(Controller):
    """The way to the provider and back."""

    path = "/oidc"

    @get("/start", opt=needs(PUBLIC), sync_to_thread=True)
    def start(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """To the provider."""
        page = page_of(request)
        provider = provider_of(request)
        if provider is None:
            return _without_provider(request)

        browser = secrets.token_urlsafe(48)
        nonce = secrets.token_urlsafe(48)
        verifier = secrets.token_urlsafe(48)
        target = inside(request.query_params.get("next"))
        state = page.store.begin_sign_in(
            browser,
            (nonce, verifier, target),
            now=time.time(),
            life=SECONDS,
        )
        address = provider.address(state=state, nonce=nonce, verifier=verifier)
        response: Response[Any] = Redirect(address, status_code=303)
        response.set_cookie(
            BROWSER,
            browser,
            max_age=SECONDS,
            path="/oidc",
            httponly=True,
            samesite="lax",
            secure=page.settings.secure_cookie,
        )
        return response

    @get("/callback", opt=needs(PUBLIC), sync_to_thread=True)
    def callback(self, request: Request[Any, Any, Any]) -> Response[Any]:
        """Back from the provider, with a code; a session if everything fits."""
        provider = provider_of(request)
        if provider is None:
            return _without_provider(request)
        response = _signed_in(request, provider)
        response.delete_cookie(BROWSER, path="/oidc")
        return response


def _without_provider(request: Request[Any, Any, Any]) -> Response[Any]:
    return login_page(request, "/", error="login.no_provider", status=404)


def _signed_in(request: Request[Any, Any, Any], provider: Provider) -> Response[Any]:
    page = page_of(request)
    query = request.query_params
    begun = page.store.take_sign_in(
        query.get("state", ""),
        request.cookies.get(BROWSER, ""),
        now=time.time(),
        life=SECONDS,
    )
    if begun is None:
        return login_page(
            request,
            "/",
            error="login.stale",
            status=400,
        )
    nonce, verifier, target = begun
    try:
        if "code" not in query:
            # Cut, since it comes by the browser, where anyone may write anything into it.
            raise SignInRefused(query.get("error", "no code")[:100])
        person = provider.person(
            query["code"],
            nonce=nonce,
            verifier=verifier,
        )
    except SignInRefused as error:
        logger.warning("sign-in refused: %s", error)
        return login_page(
            request,
            target,
            error="login.refused",
            status=403,
        )
    roles = roles_of_groups(person.groups, page.settings.group_roles)
    if not roles:
        return login_page(
            request,
            target,
            error="login.no_role",
            status=403,
        )

    # A session that somebody else planted in the browser must not become this person's.
    if old := request.cookies.get(COOKIE):
        page.store.end_session(old)
    token = page.store.begin_session(
        person.name,
        roles,
        now=time.time(),
        id_token=person.id_token,
    )
    # A page that goes on by itself, not a redirect: after one from another site the browser would
    # not send the session's cookie, which is Strict.
    return with_session(
        html(request, "go_on.html", target=target),
        token,
        page.settings,
    )
