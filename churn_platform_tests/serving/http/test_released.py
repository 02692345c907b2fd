"""After its answer a request is let go of: who still holds it keeps its connection open, and its
descriptor.
"""

import asyncio
import gc
import weakref

import pytest
from litestar.types import ASGIApp, Message

from churn_platform_tests.support.served_bundles import publish

JSON = (b"content-type", b"application/json")
TOO_LONG = (b"content-length", b"99999999")
OTHER_SITE = (b"sec-fetch-site", b"cross-site")
REQUESTS = {
    "answered": ("/predict", [JSON], b'{"customer_id": "C00001"}', 200),
    "unknown customer": ("/predict", [JSON], b'{"customer_id": "nobody"}', 404),
    "unknown route": ("/nothing", [JSON], b"{}", 404),
    "unknown route, no body wanted": ("/nothing", [JSON, TOO_LONG], None, 404),
    "no JSON": ("/predict", [JSON], b"{", 400),
    "no content type": ("/predict", [], b"{}", 415),
    "wrong features": ("/predict", [JSON], b'{"nonsense": 1}', 422),
    "said to be too large": ("/predict", [JSON, TOO_LONG], None, 413),
    "too large": ("/predict", [JSON], b" " * 1_000_001, 413),
    "late": ("/predict", [JSON], None, 408),
    "late, long way": ("/explain", [JSON], None, 408),
    "header twice": ("/predict", [JSON, JSON], b"{}", 400),
    "other site": ("/predict", [JSON, OTHER_SITE], b"{}", 403),
    "batch": ("/predict/batch", [JSON], b'{"customers": [{"customer_id": "C00001"}]}', 200),
    "wrong batch": ("/predict/batch", [JSON], b'{"customers": 7}', 422),
    "wrong push": ("/features/push", [JSON], b"{}", 422),
}


TURNS_MAX = 500


class Connection:
    """What a server hands to the application, and what it is answered."""

    def __init__(self, body: bytes | None):
        self.messages = (
            [] if body is None else [{"type": "http.request", "body": body, "more_body": False}]
        )
        self.statuses: list[int] = []

    async def receive(self) -> Message:
        """The body, then nothing more."""
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)  # type: ignore[return-value]

    async def send(self, message: Message) -> None:
        """Keep the status."""
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


async def request(
    app: ASGIApp, path: str, headers: list[tuple[bytes, bytes]], body: bytes | None
) -> tuple[int, bool]:
    """(status, whether the connection is held afterwards), without help of the
    collector of rings.
    """
    connection = Connection(body)
    statuses, held = connection.statuses, weakref.ref(connection)
    scope = {
        **{
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
        },
        **{
            "headers": [(b"host", b"127.0.0.1"), *headers],
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
        },
        **{"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "extensions": {}},
    }
    gc.disable()
    try:
        await asyncio.create_task(app(scope, connection.receive, connection.send))  # type: ignore[arg-type]
        del connection, scope
        # A task that was cancelled ends at its next turn, and a thread that worked for the request
        # drops its frame after the answer has left. A ring stays, however long one waits.
        for _ in range(TURNS_MAX):
            if held() is None:
                break
            await asyncio.sleep(0.01)
        return statuses[0], held() is not None
    finally:
        gc.enable()


@pytest.mark.parametrize("case", REQUESTS)
def test_a_request_is_let_go_of_with_its_answer(start, tmp_path, booster, case):
    """No ring of references outlives it, whatever was wrong: a ring would wait for Python's
    collector.
    """
    publish(tmp_path / "published", booster)
    client = start(request_seconds=0.05, body_bytes_max=1_000_000)
    path, headers, body, status = REQUESTS[case]
    assert client.blocking_portal.call(request, client.app, path, headers, body) == (status, False)
