"""What surrounds every request: an id, a body that arrives whole and in time, security headers and
perhaps a log line.

Plain ASGI around the whole application, in one layer: each of Litestar's middlewares, guards and
body readers would cost about as much as a look-up. What is wrong with a body is kept for the gate
before the handlers, so that it is answered like every other error.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from litestar.enums import HttpMethod
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from serving import logs
from serving.errors import MalformedRequest, RequestTimeout, ServingError, TooLarge
from serving.http.body_encoding import decoded

REQUEST_ID, HEADERS, BODY, FAULT = "request_id", "headers", "body", "fault"
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
NO_STORE = (b"cache-control", b"no-store")
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
LENGTH_DIGITS = 19  # of any length that a machine can hold; int() refuses some thousand
SMALL_DIGITS = 5  # of the length of a body that costs no more to read than a new connection
CUSTOMERS = "/customers/"
WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
SENT_ONCE = frozenset(
    (
        *(b"x-api-key", b"authorization", b"content-type", b"content-length"),
        *(b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode"),
    )
)
"""Headers that decide who may ask. A proxy may look at the first of two, so that the last must not
count.
"""

Admit = Callable[[Scope], None]

logger = logging.getLogger("serving.access")


class Arrivals:
    """The requests whose bodies are on their way; those that take too long are cut off once a
    second.

    One look at all of them a second is cheaper than a timer for each.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds
        self._waiting: dict[asyncio.Task[None], float] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def body(self, receive: Receive, most: int) -> bytes:
        """The whole body; TooLarge or RequestTimeout. What a client that went away had sent is of
        no use: empty.
        """
        task = asyncio.current_task()
        assert task is not None, "requests run in tasks"
        self._waiting[task] = time.monotonic()

        try:
            return await _whole(receive, most)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            # The cancellation was ours and becomes an error of the request; the task itself goes
            # on.
            task.uncancel()
            raise RequestTimeout(
                f"the request did not arrive within {self._seconds:g} seconds"
            ) from None
        finally:
            self._waiting.pop(task, None)
            self._late.discard(task)

    async def watch(self) -> None:
        """Cut off what is late, for as long as the application runs."""
        while True:
            await asyncio.sleep(min(1.0, self._seconds / 2))
            earliest = time.monotonic() - self._seconds
            for task in [task for task, begun in self._waiting.items() if begun < earliest]:
                del self._waiting[task]
                self._late.add(task)
                task.cancel()


def enveloped(
    app: ASGIApp, *, admit: Admit, request_seconds: float, body_bytes_max: int, access_log: bool
) -> ASGIApp:
    """The application with its envelope. Ids are unique: random per process, then counted.

    admit: raises for one whose body is not even to be read.
    """
    process, number = secrets.token_hex(6), count(1)
    arrivals = Arrivals(request_seconds)

    async def ask_to_admit(scope: Scope, receive: Receive) -> None:
        """Ask whether the body may be read. A small one is dropped, or the connection could not be
        kept.
        """
        try:
            admit(scope)
        except ServingError:
            length = scope["state"][HEADERS].get(b"content-length", b"")
            if length.isdigit() and len(length) <= SMALL_DIGITS:
                with contextlib.suppress(ServingError):
                    await arrivals.body(receive, body_bytes_max)

            raise

    async def envelope(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            watching = asyncio.create_task(arrivals.watch())
            try:
                await app(scope, receive, send)
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching

            return

        if scope["type"] != "http":
            return

        method = scope["method"]
        if method == "HEAD":  # all that can be got, without its body
            scope["method"] = HttpMethod.GET

        request_id = f"{process}-{next(number):x}"
        logs.request_id.set(request_id)
        begun = time.perf_counter()
        state = scope.setdefault("state", {})
        state[REQUEST_ID], state[HEADERS] = request_id, dict(scope["headers"])

        try:
            # As a dictionary it is shorter only if a header is there twice; then they are looked
            # at.
            if len(state[HEADERS]) < len(scope["headers"]):
                _check_sent_once(scope["headers"])

            if method not in WITHOUT_BODY:
                await ask_to_admit(scope, receive)
                _check_announced(state[HEADERS].get(b"content-length"), body_bytes_max)
                body = await arrivals.body(receive, body_bytes_max)
                state[BODY] = decoded(
                    body,
                    state[HEADERS].get(b"content-encoding", b""),
                    body_bytes_max,
                )
        except ServingError as fault:
            state[FAULT] = fault

        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                named = dict(own)
                usual = [header for header in (NO_STORE, POLICY) if header[0] not in named]
                message["headers"] = [
                    *own,
                    *SECURITY_HEADERS,
                    *usual,
                    (b"x-request-id", request_id.encode()),
                ]
            elif method == "HEAD":
                message["body"] = b""  # type: ignore[typeddict-unknown-key]

            await send(message)

        try:
            await app(scope, receive, send_with_headers)
        finally:
            # A fault's traceback holds the frames that hold this state. Such a ring keeps the
            # connection open, with what its client still sends unread, until Python next looks for
            # rings.
            state.pop(FAULT, None)

        if access_log:
            milliseconds = round((time.perf_counter() - begun) * 1e3, 3)
            shown = {
                "method": method,
                "path": masked(scope["path"]),
                "status": status,
                "ms": milliseconds,
            }
            logger.info("request", extra={"fields": shown})

    return envelope


def _check_sent_once(headers: Sequence[tuple[bytes, bytes]]) -> None:
    """MalformedRequest where a header that decides who may ask is there twice."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in SENT_ONCE:
            raise MalformedRequest(
                f"the header {name.decode('latin-1')} is there twice; send it once"
            )
        seen.add(name)


def masked(path: str) -> str:
    """A path without the customer's id, which follows `/customers/`."""
    before, customers, customer_id = path.partition(CUSTOMERS)
    return f"{before}{customers}*" if customer_id else path


def _check_announced(length: bytes | None, most: int) -> None:
    """TooLarge where the headers say already that the body is."""
    if length is not None and (
        not length.isdigit() or len(length) > LENGTH_DIGITS or int(length) > most
    ):
        raise TooLarge(
            f"the body is said to have {length[:20].decode('latin-1')} bytes; {most} are allowed"
        )


async def _whole(receive: Receive, most: int) -> bytes:
    body = b""
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return b""
        # Nearly every body comes in one message, which is then not copied.
        body = body + message["body"] if body else message["body"]
        if len(body) > most:
            raise TooLarge(f"the body has more than {most} bytes")
        if not message.get("more_body"):
            return body
