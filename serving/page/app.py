"""The page's application: everything put together, nothing decided."""

import contextlib
import logging
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.static_files import create_static_files_router

from serving.errors import LogUnavailable, NotFound, NotReady
from serving.page.campaign_routes import CampaignController
from serving.page.card_routes import CardController
from serving.page.context import STATIC, Page
from serving.page.customer_routes import CustomerController
from serving.page.embedding import POLICY, frame_policy, is_embedded, wants_json
from serving.page.gate import admit, needs
from serving.page.html import html
from serving.page.model_routes import AccessController, ModelController
from serving.page.oidc_routes import OidcController
from serving.page.roles import PUBLIC
from serving.page.session_routes import SessionController
from serving.page.settings import PageSettings, load_settings

CONTROLLERS = [
    SessionController,
    OidcController,
    CustomerController,
    CampaignController,
    ModelController,
    AccessController,
    CardController,
]
STATUS = {NotFound: 404, NotReady: 503, LogUnavailable: 503, OSError: 503}
BODY_BYTES_MAX = 64 << 10
PROBLEM = "application/problem+json"
STRICT_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}

logger = logging.getLogger(__name__)


def create_worker() -> Litestar:
    """The application in the process of `python -m serving.page`."""
    return create_app(load_settings())


def create_app(settings: PageSettings) -> Litestar:
    """The page with these settings."""
    page = Page(settings)
    static = create_static_files_router(
        path="/static", directories=[STATIC], opt=needs(PUBLIC), cache_control=None
    )
    app = Litestar(
        [*CONTROLLERS, static],
        before_request=admit,
        after_request=finish,
        exception_handlers={Exception: answer_error, HTTPException: answer_error},
        lifespan=[lambda _: open_while_running(page)],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_BYTES_MAX,
    )
    app.state["page"] = page
    return app


@contextlib.asynccontextmanager
async def open_while_running(page: Page) -> AsyncIterator[None]:
    """Close log and store when the application ends."""
    try:
        yield
    finally:
        page.close()


async def finish(response: Response[Any]) -> Response[Any]:
    """An answer with its headers; a coroutine, so that it takes no turn in a thread."""
    return with_headers(response)


def with_headers(response: Response[Any]) -> Response[Any]:
    """What every answer says to the browser: load nothing from elsewhere, run nothing inline, keep
    no copy of a customer.
    """
    response.headers.setdefault(POLICY, STRICT_POLICY)
    response.headers.setdefault("cache-control", "no-store")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """An error as a page: what is wrong, and nothing of the inside."""
    page: Page = request.app.state["page"]
    if isinstance(error, HTTPException):
        status, detail = error.status_code, error.detail
    else:
        kinds = [status for kind, status in STATUS.items() if isinstance(error, kind)]
        status, detail = (kinds[0] if kinds else 500), str(error)
    if status >= 500 and not isinstance(error, NotReady | LogUnavailable):
        logger.error("request failed", exc_info=error)
        detail = page.text("error.500.detail")
    told: dict[str, Any] = {
        "title": page.texts.get(f"error.{status}", HTTPStatus(status).phrase),
        "status": status,
        "detail": detail,
    }
    if wants_json(request):
        return with_headers(Response(told, status_code=status, media_type=PROBLEM))
    if not is_embedded(request):
        return with_headers(html(request, "message.html", **told))
    signs_in = status == HTTPStatus.UNAUTHORIZED
    response = html(request, "card_message.html", signs_in=signs_in, **told)
    response.headers[POLICY] = frame_policy(page.settings)
    return with_headers(response)
