"""What a receiver gets of customers who are newly at risk."""

import hashlib
import hmac
import json

import pytest

from churn_platform.campaign import risk_webhook
from churn_platform.campaign.risk_webhook import Receiver, send_newly_at_risk
from churn_platform.errors import WebhookError
from churn_platform_tests.support.webhook_receiver import Received, receiving

SECRET = "a secret of twenty..."


@pytest.fixture
def received():
    """A receiver on loopback."""
    with receiving() as received:
        yield received


def receiver(received: Received, waits: list[float], tries: int = 4) -> Receiver:
    """Of a clock that stands still, and that notes waits in place of waiting."""
    return Receiver(
        received.url, SECRET, tries=tries, now=lambda: 1_790_000_000.7, sleep=waits.append
    )


def test_ids_are_sent_signed_and_again_while_the_receiver_is_busy(received):
    """500 and 503, then taken: three tries with growing waits, the same content, and a signature
    that anyone with the secret can compute.
    """
    received.answers = [500, 503]
    waits: list[float] = []
    assert send_newly_at_risk(receiver(received, waits), "tiny", "2025-01", ["A", "B"]) == 1
    assert len(received.bodies) == 3 and len(set(received.bodies)) == 1
    assert waits == [1, 2]
    assert json.loads(received.bodies[0]) == {
        "event": "newly_at_risk",
        "delivery": "tiny-2025-01-1",
        "portfolio": "tiny",
        "month": "2025-01",
        "part": 1,
        "parts": 1,
        "customer_ids": ["A", "B"],
    }
    signed = b"1790000000." + received.bodies[0]
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert received.headers[0]["X-Churn-Signature"] == f"t=1790000000,v1={digest}"
    assert received.headers[0]["X-Churn-Delivery"] == "tiny-2025-01-1"


def test_many_ids_go_in_parts(received, monkeypatch):
    """No request is larger than a receiver takes; each part has a name of its own."""
    monkeypatch.setattr(risk_webhook, "ROWS_MOST", 2)
    assert send_newly_at_risk(receiver(received, []), "tiny", "2025-01", ["A", "B", "C"]) == 2
    sent = [json.loads(body) for body in received.bodies]
    assert [part["customer_ids"] for part in sent] == [["A", "B"], ["C"]]
    assert [part["delivery"] for part in sent] == ["tiny-2025-01-1", "tiny-2025-01-2"]


@pytest.mark.parametrize(("status", "tries"), [(500, 4), (429, 4), (400, 1), (403, 1), (302, 1)])
def test_what_is_not_taken_is_an_error_without_the_address(received, status, tries):
    """Busy is tried again, a refusal is not; a redirect is not followed."""
    received.answers = [status] * 9
    with pytest.raises(WebhookError, match=f"answered {status}") as failed:
        send_newly_at_risk(receiver(received, []), "tiny", "2025-01", ["A"])
    assert len(received.bodies) == tries
    assert "hidden" not in str(failed.value)


def test_a_receiver_that_is_away_is_an_error_without_the_address():
    """After all tries."""
    waits: list[float] = []
    away = Receiver("http://127.0.0.1:9/?token=hidden", SECRET, tries=3, sleep=waits.append)
    with pytest.raises(WebhookError, match="cannot be reached") as failed:
        send_newly_at_risk(away, "tiny", "2025-01", ["A"])
    assert len(waits) == 2 and "hidden" not in str(failed.value)
