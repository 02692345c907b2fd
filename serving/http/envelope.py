"""What surrounds every request: an id, a deadline for its arrival, security headers and, if wanted, a log line.

Plain ASGI around the whole application, in one layer: each of Litestar's middlewares would cost as much as a score.
"""

import asyncio
import logging
import secrets
from itertools import count

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from serving import logs
from serving.errors import RequestTimeout

REQUEST_ID = "request_id"
HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
POLICY = b"content-security-policy"

logger = logging.getLogger("serving.access")


def enveloped(app: ASGIApp, *, request_seconds: float, access_log: bool) -> ASGIApp:
    """The application with its envelope. Ids are unique: random per process, then counted."""
    process, number = secrets.token_hex(6), count(1)

    async def envelope(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request_id = f"{process}-{next(number):x}"
        scope.setdefault("state", {})[REQUEST_ID] = request_id
        logs.request_id.set(request_id)
        begun = asyncio.get_running_loop().time()
        status = 0

        async def receive_in_time() -> Message:
            try:
                async with asyncio.timeout_at(begun + request_seconds):
                    return await receive()
            except TimeoutError:
                raise RequestTimeout(f"the request did not arrive within {request_seconds:g} seconds") from None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (b"x-request-id", request_id.encode())]
                given = {name for name, _ in headers}
                message["headers"] = headers + [header for header in HEADERS if header[0] not in given]
            await send(message)

        await app(scope, receive_in_time, send_with_headers)
        if access_log:
            seconds = asyncio.get_running_loop().time() - begun
            shown = {"method": scope["method"], "path": scope["path"], "status": status, "ms": round(seconds * 1e3, 3)}
            logger.info("request", extra={"fields": shown})

    return envelope
