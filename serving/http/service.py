"""Routes about the service itself: what it is, whether it lives and is ready, its metrics."""

from typing import Any

import msgspec
from litestar import Controller, Response, get
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from serving.errors import NotReady
from serving.http.routes import Asking, needs, plane_of
from serving.http.security import ANY_KEY, PUBLIC

MEDIA_TYPE = CONTENT_TYPE_PLAIN_1_0_0.removesuffix("; charset=utf-8")  # which Litestar adds; twice is malformed


class ServiceInfo(msgspec.Struct, kw_only=True):
    """What this service is and serves."""

    service: str
    status: str
    default_portfolio: str | None
    portfolios: list[str]
    docs: str


class Health(msgspec.Struct, kw_only=True):
    """Whether the service can answer, and what of it cannot."""

    status: str
    portfolios: dict[str, dict[str, Any]]
    refused: dict[str, str]


class ServiceController(Controller):
    """The service itself."""

    tags = ("service",)

    @get("/", sync_to_thread=False, opt=needs(PUBLIC))
    def index(self, request: Asking) -> ServiceInfo:
        """What this is; 200 as long as the process runs."""
        plane = plane_of(request)
        registry = plane.registry
        return ServiceInfo(
            service="churn-serving",
            status="ready" if not plane.unready() else "not ready",
            default_portfolio=registry.default if registry.default in registry.served else None,
            portfolios=registry.served,
            docs="/docs",
        )

    @get("/health/live", sync_to_thread=False, opt=needs(PUBLIC))
    def live(self) -> dict[str, str]:
        """200 as long as the process answers at all."""
        return {"status": "live"}

    @get(["/health", "/health/ready"], sync_to_thread=False, opt=needs(PUBLIC))
    def ready(self, request: Asking) -> Health:
        """200 when a checked model is loaded and answers can be logged; 503 before, and when the disk is full."""
        plane = plane_of(request)
        if why := plane.unready():
            raise NotReady(why)
        return Health(status="ready", portfolios=plane.registry.summary(), refused=plane.registry.refusals)

    @get("/metrics", sync_to_thread=True, opt=needs(ANY_KEY))
    def metrics(self, request: Asking) -> Response[bytes]:
        """Counters of all worker processes, as Prometheus reads them."""
        return Response(plane_of(request).metrics.text(), media_type=MEDIA_TYPE)
