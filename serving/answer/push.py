"""Takes fresher feature values of a customer, such as a complaint of a minute ago, to count for a
while.
"""

import logging
import time

from churn_platform.published.format import CUSTOMER_ID
from serving.answer.answers import PushAnswer
from serving.answer.dataplane import Dataplane
from serving.errors import Fault, InvalidRequest
from serving.registry import ServedPortfolio
from serving.request.inputs import read_customer_id
from serving.request.pushed_values import values_to_keep
from serving.request.subject import Given, read_object
from serving.settings import ServiceSettings
from serving.storage.pushed_file import Value

FEATURES, TTL = "features", "ttl_seconds"

logger = logging.getLogger(__name__)


def push(plane: Dataplane, portfolio_name: str | None, body: bytes, request_id: str) -> PushAnswer:
    """Keep the values; they are on disk, and seen by every worker process, when this returns.

    The log names the features, not the customer.
    """
    portfolio = plane.registry.get(portfolio_name)
    customer_id, features, ttl = _read(portfolio, read_object(body), plane.settings)
    # LMDB, not a broker: workers of a machine see it at once, and a read takes a microsecond.
    # Several machines behind a balancer do not share pushes.
    plane.overlay.put(portfolio.name, customer_id, features, ttl, time.time())
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


def _read(
    portfolio: ServedPortfolio, given: Given, settings: ServiceSettings
) -> tuple[str, dict[str, Value], float]:
    """(customer id, values by feature, seconds to live); InvalidRequest where something is not
    allowed.
    """
    allowed = (CUSTOMER_ID, FEATURES, TTL)
    faults = []
    for name in given:
        if name not in allowed:
            faults.append(Fault(name[:80], None, f"one of {', '.join(allowed)}"))

    faults = faults[:20]
    customer_id = read_customer_id(given, faults, id_column=CUSTOMER_ID)
    if given.get(CUSTOMER_ID) is None:
        faults.append(Fault(CUSTOMER_ID, None, "text of 1 to 511 bytes"))

    features = given.get(FEATURES)
    if not isinstance(features, dict) or not features:
        faults.append(
            Fault(FEATURES, type(features).__name__, "an object with at least one feature")
        )
        features = {}

    catalogues = [share.model.catalogue for share in portfolio.traffic.all]
    values = values_to_keep(catalogues, features, faults, as_of=portfolio.as_of, at=f"{FEATURES}.")
    ttl = given.get(TTL, settings.push_ttl_seconds)
    longest = settings.push_ttl_seconds_max
    if ttl.__class__ not in (int, float) or not 0 < ttl <= longest:
        shown = ttl if isinstance(ttl, int | float) else type(ttl).__name__
        faults.append(Fault(TTL, shown, f"a number above 0, at most {longest:g}"))

    if faults or customer_id is None:
        raise InvalidRequest(faults)

    return customer_id, values, float(ttl)
