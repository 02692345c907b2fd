"""Sends customers who are newly at risk to an address of the operator: ids alone, signed, again
while the receiver is busy.

A receiver computes HMAC-SHA-256 of `<timestamp>.<body>` with the shared secret and compares; a
timestamp that is old is a replay. What was sent twice has the same `delivery`.
"""

import hashlib
import hmac
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from churn_platform.errors import WebhookError

SIGNATURE_HEADER, DELIVERY_HEADER = "X-Churn-Signature", "X-Churn-Delivery"
EVENT = "newly_at_risk"
ROWS_MOST = 10_000  # in one request
WAIT_SECONDS_MOST = 60.0
AGAIN = (408, 425, 429)  # and every 5xx


@dataclass(frozen=True)
class Receiver:
    """Where to send, the secret that signs, and how patiently."""

    url: str
    secret: str
    tries: int = 5
    timeout_seconds: float = 10.0
    setting: str = "CHURN_RISK_WEBHOOK_URL"
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class _Busy(WebhookError):
    """What may go well another time."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Whoever the address sends on to is not whom the operator named."""

    def redirect_request(self, *_: object) -> None:
        return None


def send_newly_at_risk(
    receiver: Receiver, portfolio: str, month: str, customer_ids: Sequence[str]
) -> int:
    """Send the ids in parts, each until the receiver takes it; the number of parts.

    WebhookError, without the address, which may be secret, if one is not taken.
    """
    # All parts first, because each tells how many there are.
    parts = list(_parts(customer_ids))
    for number, ids in enumerate(parts, start=1):
        # Not random: a month that is materialized again is the same delivery to the receiver.
        delivery = f"{portfolio}-{month}-{number}"
        content = {
            "event": EVENT,
            "delivery": delivery,
            "portfolio": portfolio,
            "month": month,
            "part": number,
            "parts": len(parts),
            "customer_ids": ids,
        }
        send(receiver, delivery, json.dumps(content).encode())
    return len(parts)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header that proves who sent the body, and when."""
    # The time is signed too, or an old body could be sent again under a new time.
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def _parts(customer_ids: Sequence[str]) -> Iterator[list[str]]:
    for begin in range(0, len(customer_ids), ROWS_MOST):
        yield list(customer_ids[begin : begin + ROWS_MOST])


def send(receiver: Receiver, delivery: str, body: bytes) -> None:
    """Send a signed body until the receiver takes it; WebhookError, without the address, if it does
    not.
    """
    trying = Retrying(
        stop=stop_after_attempt(receiver.tries),
        wait=wait_exponential(max=WAIT_SECONDS_MOST),
        retry=retry_if_exception_type(_Busy),
        sleep=receiver.sleep,
        reraise=True,
    )
    trying(_post, receiver, delivery, body)


def _post(receiver: Receiver, delivery: str, body: bytes) -> None:
    headers = {
        "Content-Type": "application/json",
        DELIVERY_HEADER: delivery,
        # Anew for each try: a receiver refuses what is old.
        SIGNATURE_HEADER: signature(receiver.secret, int(receiver.now()), body),
    }
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        request = urllib.request.Request(receiver.url, body, headers, method="POST")
        with opener.open(request, timeout=receiver.timeout_seconds) as answer:
            # Bounded: what a receiver answers is not used, and must not fill the memory.
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        is_passing = error.code >= 500 or error.code in AGAIN
        kind = _Busy if is_passing else WebhookError
        # `from None`, here and below: the error behind it has the address, which may be secret.
        raise kind(
            f"the receiver of {delivery} answered {error.code}; see its log, then materialize "
            "the month again"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _Busy(
            f"the receiver of {delivery} cannot be reached ({type(error).__name__}); check "
            f"{receiver.setting}, then materialize the month again"
        ) from None
