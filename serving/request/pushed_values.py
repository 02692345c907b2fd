"""What is kept of a push: values as a model reads them, by the features' own names.

The text as sent is never kept: it may be a megabyte of blanks around a number, and a day means
nothing without the month that it is counted to. A value that was read is small, and says the same
to every model for as long as it holds.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from churn_platform.published.format import CUSTOMER_ID
from serving.errors import Fault
from serving.registry import ServedPortfolio
from serving.request.inputs import Catalogue, read_customer_id
from serving.settings import ServiceSettings
from serving.storage.pushed_file import Value

FEATURES, TTL = "features", "ttl_seconds"


class Pushed(NamedTuple):
    """Values of a customer, by feature, and for how long they count."""

    customer_id: str
    features: dict[str, Value]
    ttl_seconds: float


def read_push(
    portfolio: ServedPortfolio,
    given: Mapping[str, Any],
    settings: ServiceSettings,
    *,
    beside: tuple[str, ...] = (),
) -> tuple[Pushed | None, list[Fault]]:
    """What is pushed, and what is wrong with it; a push with faults is none.

    beside: further fields, which the caller reads.
    """
    allowed = (CUSTOMER_ID, FEATURES, TTL, *beside)
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

    if customer_id is None:
        return None, faults
    return Pushed(customer_id, values, float(ttl) if not faults else 0.0), faults


def values_to_keep(
    catalogues: Sequence[Catalogue],
    given: Mapping[str, Any],
    faults: list[Fault],
    *,
    as_of: date,
    at: str,
) -> dict[str, Value]:
    """Values by feature, for all models; what is wrong goes into `faults`.

    catalogues: the champion's first. A name counts as the first model that knows it reads it;
    another model may know another feature by it, but has no say in what is allowed.
    """
    kept: dict[str, Value] = {}
    read: set[str] = set()
    for catalogue in catalogues:
        new: dict[str, Any] = {}
        again: dict[str, Any] = {}
        for name, value in given.items():
            if name in catalogue.places:
                side = again if name in read else new
                side[name] = value

        values = catalogue.read(again, [], as_of=as_of)
        values |= catalogue.read(new, faults, as_of=as_of, at=at)
        for place, number in values.items():
            kept.setdefault(catalogue.names[place], catalogue.value(place, number))

        read |= new.keys()

    unknown = {name: value for name, value in given.items() if name not in read}
    catalogues[0].read(unknown, faults, at=at)
    return kept
