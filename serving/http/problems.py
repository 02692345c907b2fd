"""Every error as problem+json (RFC 9457), or in the form of the open inference protocol below its
path: the one place that gives errors their status.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)
from msgspec import to_builtins

from serving import errors
from serving.service_metrics import ServiceMetrics
from serving.storage.log_writer import LogUnavailable
from serving.storage.pushed_store import OverlayFull

STATUS: dict[type[Exception], int] = {
    errors.MalformedRequest: 400,
    errors.NotAuthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.RequestTimeout: 408,
    errors.HungUp: 408,  # counted, and read by no one
    errors.TooLarge: 413,
    errors.NotJson: 415,
    errors.InvalidRequest: 422,
    errors.TooManyRequests: 429,
    errors.NotReady: 503,
    LogUnavailable: 503,
    OverlayFull: 507,
}

RETRY_SECONDS = {503: 5, 507: 60}
"""When another try is worth while: a bundle may be published any second, the overlay is purged once
a minute.
"""

PROTOCOL = "/v2"

logger = logging.getLogger(__name__)


def speaks_protocol(path: str) -> bool:
    """Whether a path is one of the open inference protocol, whose clients read its own errors."""
    return path == PROTOCOL or path.startswith(f"{PROTOCOL}/")


class Problem(ProblemDetailsException):
    """A problem, told in the words of who asks."""

    def to_response(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """As problem+json, or as the error of the open inference protocol."""
        if not speaks_protocol(request.url.path):
            return super().to_response(request)
        told = {"error": self.detail}
        return Response(told, status_code=self.status_code, headers=self.headers)


def problem_of(error: Exception) -> Problem:
    """The problem that an error of ours is, with what the client can do about it; for any other, a
    bare 500.
    """
    status = STATUS.get(type(error))
    if status is None:
        return problem(500, "the service failed; its log says why under this request's id")

    extra = (
        {"errors": to_builtins(error.faults)} if isinstance(error, errors.InvalidRequest) else {}
    )
    headers = {"retry-after": str(RETRY_SECONDS[status])} if status in RETRY_SECONDS else {}
    if isinstance(error, errors.TooManyRequests):
        headers["retry-after"] = str(error.wait_seconds)

    if isinstance(error, errors.NotAuthenticated):
        headers["www-authenticate"] = 'Bearer realm="churn"'

    return problem(status, str(error), extra=extra, headers=headers)


def problem(
    status: int,
    detail: str,
    *,
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Problem:
    """A problem with the status' own title."""
    return Problem(
        status_code=status,
        title=HTTPStatus(status).phrase,
        detail=detail,
        type_="about:blank",
        extra=extra,
        headers=headers,
    )


def _of_framework(error: HTTPException) -> Problem:
    """Litestar's own errors (no such route, wrong method, body too large); below 500 they name no
    internals.
    """
    if isinstance(error, Problem):
        return error

    status = error.status_code
    detail = (
        error.detail
        if status < 500
        else "the service failed; its log says why under this request's id"
    )
    return problem(status, detail or HTTPStatus(status).phrase, headers=dict(error.headers or {}))


def problem_details(metrics: ServiceMetrics) -> ProblemDetailsPlugin:
    """The plugin that answers every error, counts it, and logs what is our own fault with its
    traceback.
    """

    def told(
        convert: Callable[[Any], Problem],
    ) -> Callable[[Any], Problem]:
        def converted(error: Exception) -> Problem:
            found = convert(error)
            metrics.errors.labels(str(found.status_code)).inc()
            if found.status_code == 500:
                logger.error("request failed", exc_info=error)
            return found

        return converted

    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_handler=_answer,
            exception_to_problem_detail_map={
                Exception: told(problem_of),
                HTTPException: told(_of_framework),
            },
        )
    )


def _answer(request: Request[Any, Any, Any], error: ProblemDetailsException) -> Any:
    return error.to_response(request)
