"""Asks the service of this host, over one connection that is kept.

Over HTTP, not by its code: the service alone knows the models that are live, so events are read,
kept, scored, logged and counted in one way, whoever sends them.
"""

import contextlib
import http.client
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from churn_platform.errors import RefusedEventError, SettingsError, StreamError
from churn_platform.published.customer_events import CustomerEvent, event_bytes

TIMEOUT_SECONDS = 30.0
BATCH_EVENTS, BATCH_BYTES = 200, 512 * 1024  # below what the service takes by its defaults
DETAIL_CHARACTERS = 600
KEEP, SCORE = "/features/events", "/predict"
REFUSED = (400, 404, 422)
CONNECTIONS = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}


class TooManyError(Exception):
    """The service takes fewer events at once."""


class Service:
    """The service at an address. key_file: holds an API key with the scopes `push` and, to score,
    `score`.
    """

    def __init__(self, url: str, key_file: Path | None = None):
        parts = urlsplit(url)
        if parts.scheme not in CONNECTIONS or not parts.hostname:
            raise SettingsError(f"{url!r} is no address; write for example http://127.0.0.1:8080")

        self._url = url
        self._path = parts.path.rstrip("/")
        self._key_file = key_file
        kind = CONNECTIONS[parts.scheme]
        self._connection = kind(
            parts.hostname,
            parts.port,
            timeout=TIMEOUT_SECONDS,
        )

    def keep(self, portfolio: str, events: Sequence[CustomerEvent]) -> dict[int, str]:
        """Let the service keep events of one portfolio; they are on its disk when this returns.

        Returns why it refused some, by place. StreamError: it keeps none now.
        """
        refused: dict[int, str] = {}
        begin = 0
        bodies = list(map(_without_portfolio, events))
        for batch in batches(bodies):
            for place, why in self._keep_batch(portfolio, batch).items():
                # The service counts places from the first event of the request.
                refused[begin + place] = why

            begin += len(batch)

        return refused

    def _keep_batch(self, portfolio: str, batch: list[bytes]) -> dict[int, str]:
        body = b'{"events":[' + b",".join(batch) + b"]}"
        try:
            answer = json.loads(self._post(portfolio, KEEP, body))
        except RefusedEventError as error:
            return dict.fromkeys(range(len(batch)), str(error))
        except TooManyError:
            if len(batch) == 1:
                return {0: "the event is longer than a request to the service may be"}

            # By halves until it fits: this service may take less than one with its defaults.
            half = len(batch) // 2
            refused = self._keep_batch(portfolio, batch[:half])
            for place, why in self._keep_batch(portfolio, batch[half:]).items():
                refused[half + place] = why

            return refused

        places = {}
        for fault in answer["errors"]:
            places[fault["position"]] = fault["detail"]

        return places

    def score(self, portfolio: str, customer_id: str) -> bytes:
        """The answer of `POST /predict` on a customer; RefusedEventError where there is none."""
        try:
            body = json.dumps({"customer_id": customer_id}).encode()
            return self._post(portfolio, SCORE, body)
        except RefusedEventError as error:
            raise RefusedEventError(f"cannot be scored: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, portfolio: str, action: str, body: bytes) -> bytes:
        path = f"/{quote(portfolio, safe='')}{action}"
        status, content = self._ask("POST", path, body)
        if status == 200:
            return content
        if status == 413:
            raise TooManyError

        detail = _detail(content)
        # A wrong address answers 404 as well; that must not put every event aside.
        is_elsewhere = status == 404 and action == KEEP and self._serves(portfolio)
        if status in REFUSED and not is_elsewhere:
            raise RefusedEventError(detail)

        advice = _advice(status)
        raise StreamError(
            f"the service at {self._url} (--url) answers {status} to {path}: {detail}{advice}"
        )

    def _serves(self, portfolio: str) -> bool:
        """Whether it serves the portfolio; also True where it is no service that could say so."""
        status, content = self._ask("GET", "/health/ready", None)
        try:
            return status != 200 or portfolio in json.loads(content)["portfolios"]
        except (ValueError, KeyError, TypeError):
            return True

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"}
        # Read for each request, so that another key counts without a restart.
        if self._key_file is not None:
            headers["x-api-key"] = _read_key(self._key_file)

        # The service closes connections that were long without a request: that is no failure.
        for is_last in (False, True):
            try:
                self._connection.request(
                    method,
                    self._path + path,
                    body,
                    headers,
                )
                response = self._connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if is_last or isinstance(error, ConnectionRefusedError | TimeoutError):
                    raise StreamError(
                        f"the service at {self._url} (--url) does not answer: {error}"
                    ) from error

        raise AssertionError("the last try returns or raises")


def batches(events: Sequence[bytes]) -> list[list[bytes]]:
    """The events in their order, as many at once as the service takes by its defaults."""
    found: list[list[bytes]] = []
    size = 0
    for event in events:
        size += len(event)
        is_full = not found or len(found[-1]) == BATCH_EVENTS
        if is_full or size > BATCH_BYTES:
            found.append([])
            size = len(event)

        found[-1].append(event)

    return found


def _without_portfolio(event: CustomerEvent) -> bytes:
    fields: dict[str, Any] = json.loads(event_bytes(event))
    # The path names it, and the service refuses a field that it does not know.
    del fields["portfolio"]
    return json.dumps(fields).encode()


def _detail(content: bytes) -> str:
    """What an error of the service says, in one line."""
    text = content.decode(errors="replace")
    # A proxy before the service answers in words of its own, often as HTML.
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = json.loads(text)["detail"]

    line = " ".join(str(text).split())
    return line[:DETAIL_CHARACTERS]


def _advice(status: int) -> str:
    if status not in (401, 403):
        return ""
    return "; give a key with the scopes push and score by --key-file"


def _read_key(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StreamError(f"the key in {path} (--key-file) cannot be read: {error}") from error
