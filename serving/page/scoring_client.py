"""Asks the scoring service what other values of the features would do."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

from serving.errors import NotReady

SECONDS = 3.0


class Refused(Exception):
    """The service did not take the values; the message is its own."""


def what_if(
    url: str, key: str, portfolio: str, customer_id: str, changes: dict[str, Any]
) -> dict[str, Any]:
    """The service's answer to `/explain` with these values.

    NotReady if it does not answer, Refused if it does not take the values.
    """
    address = urlsplit(url)
    kind: type[http.client.HTTPConnection] = http.client.HTTPConnection
    if address.scheme == "https":
        kind = http.client.HTTPSConnection

    connection = kind(
        address.hostname or "127.0.0.1",
        address.port,
        timeout=SECONDS,
    )
    headers = {"content-type": "application/json"}
    if key:
        headers["x-api-key"] = key

    body = json.dumps({"customer_id": customer_id, "what_if": changes})
    # A proxy may serve the service below a path of its own.
    below = address.path.rstrip("/")
    path = f"{below}/{quote(portfolio, safe='')}/explain"
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotReady(f"the scoring service at {url} does not answer: {error}") from error
    finally:
        connection.close()

    if response.status != 200:
        raise Refused(str(answer.get("detail", response.reason)))

    return answer
