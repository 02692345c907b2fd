"""Takes fresher feature values of a customer, such as a complaint of a minute ago, to count for a
while.
"""

import logging
import time

from churn_platform.published.customer_events import CustomerEvent, instant
from serving.answer.answers import PushAnswer
from serving.answer.dataplane import Dataplane
from serving.errors import InvalidRequest
from serving.request.pushed_values import FEATURES, TTL, read_push
from serving.request.subject import read_object

logger = logging.getLogger(__name__)


def push(plane: Dataplane, portfolio_name: str | None, body: bytes, request_id: str) -> PushAnswer:
    """Keep the values; they are on disk, and seen by every worker process, when this returns.

    The log names the features, not the customer.
    """
    portfolio = plane.registry.get(portfolio_name)
    pushed, faults = read_push(portfolio, read_object(body), plane.settings)
    if faults or pushed is None:
        raise InvalidRequest(faults)

    customer_id, features, ttl = pushed.customer_id, pushed.features, pushed.ttl_seconds

    def share(at_us: int) -> None:
        # Inside the store's transaction: what is kept here is on its way to the other hosts, and a
        # push that is refused is not. Values as they were read, so that all hosts keep the same.
        if plane.outbox is not None:
            values = dict(features)
            event = CustomerEvent(portfolio.name, customer_id, instant(at_us), values, ttl)
            plane.outbox.append(event, time.time_ns())

    # LMDB, not a broker: workers of a machine see it at once, and a read takes a microsecond.
    plane.overlay.put(portfolio.name, customer_id, features, ttl, time.time(), before_commit=share)
    plane.metrics.pushes.labels(portfolio.name).inc(len(features))
    shown = {"portfolio": portfolio.name, FEATURES: list(features), TTL: ttl}
    logger.info("features pushed", extra={"fields": shown})
    return PushAnswer(
        request_id=request_id,
        portfolio=portfolio.name,
        customer_id=customer_id,
        features=tuple(features),
        ttl_seconds=ttl,
    )
