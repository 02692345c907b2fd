"""Routes about the service itself: what it is, whether it lives and is ready, its metrics."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from serving.answer.answers import about
from serving.errors import NotReady
from serving.http.authorisation import ANY_KEY, PUBLIC
from serving.http.routes import Asking, keys_of, named, needs, plane_of

MEDIA_TYPE = CONTENT_TYPE_PLAIN_1_0_0.removesuffix(
    "; charset=utf-8"
)  # which Litestar adds; twice is malformed


class ServiceInfo(msgspec.Struct, kw_only=True):
    """What this service is and serves."""

    service: Annotated[str, about("Name of the service.")]
    status: Annotated[str, about("`ready` or `not ready`.")]
    default_portfolio: Annotated[
        str | None, about("Portfolio that answers at the root; null while it is not served.")
    ]
    portfolios: Annotated[list[str], about("Portfolios that are served.")]
    docs: Annotated[str, about("Path of the interactive documents.")]


class Health(msgspec.Struct, kw_only=True):
    """Whether the service can answer, and what of it cannot."""

    status: Annotated[str, about("`ready`; a service that is not answers 503.")]
    portfolios: Annotated[
        dict[str, dict[str, Any]],
        about("Per portfolio, role by model version and the month of features."),
    ]
    refused: Annotated[dict[str, str], about("Per portfolio, why its newest bundle was refused.")]
    keys_age_seconds: Annotated[
        float,
        about("Seconds since the process that answers last read the API keys."),
    ]


def _health_id(_: Any, __: Any, path: Sequence[Any]) -> str:
    return "check_health" if len(path) == 1 else "check_readiness"


class ServiceController(Controller):
    """The service itself."""

    tags = ("service",)

    @get(
        "/",
        operation_id=named("get_service"),
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
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

    @get(
        "/health/live",
        operation_id=named("check_liveness"),
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
    def live(self) -> dict[str, str]:
        """200 as long as the process answers at all."""
        return {"status": "live"}

    @get(
        ["/health", "/health/ready"],
        operation_id=_health_id,
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
    def ready(self, request: Asking) -> Health:
        """200 when a checked model is loaded and answers can be logged; 503 before, and when the
        disk is full.
        """
        plane = plane_of(request)
        if why := plane.unready():
            age = keys_of(request).age_seconds()
            raise NotReady(f"{why}; API keys were last read {age:.1f} s ago")

        return Health(
            status="ready",
            portfolios=plane.registry.summary(),
            refused=plane.registry.refusals,
            keys_age_seconds=round(keys_of(request).age_seconds(), 3),
        )

    @get(
        "/metrics",
        operation_id=named("get_metrics"),
        media_type="text/plain",
        sync_to_thread=True,
        opt=needs(ANY_KEY),
    )
    def metrics(self, request: Asking) -> Response[bytes]:
        """Counters of all worker processes, as Prometheus reads them."""
        return Response(plane_of(request).metrics.text(), media_type=MEDIA_TYPE)
