"""The customer that a request asks about, and with which features: sent before pushed before stored
before the default.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from churn_platform.published.format import CUSTOMER_ID, StoredCustomer
from serving.errors import Fault, InvalidRequest, MalformedRequest, NotFound
from serving.registry import ServedPortfolio
from serving.request.inputs import read_customer_id
from serving.security.callers import Caller
from serving.traffic.split import Share

_decode = msgspec.json.Decoder().decode
Given = Mapping[str, Any]


class Subject(msgspec.Struct, frozen=True):
    """A customer as one model is to see it.

    vector: (features,) float32 in the model's order. missing: what no one told. stored: the
    published customer, where the published score is the answer. cold_start: known by name alone.
    """

    customer_id: str | None
    share: Share
    vector: np.ndarray
    missing: tuple[str, ...]
    pushed: tuple[str, ...]
    stored: StoredCustomer | None
    cold_start: bool


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body; MalformedRequest where there is none."""
    given = read_json(body)
    if given.__class__ is not dict:
        raise MalformedRequest(
            'the body is not a JSON object; send for example {"customer_id": "C0000001"}'
        )

    if body.count(b":") > len(given):  # something nested, a colon in a text, or a name given twice
        refuse_twice(body)

    return given


def read_json(body: bytes) -> Any:
    """What a body says; MalformedRequest where it is no JSON in UTF-8."""
    try:
        return _decode(body)
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"the body is not UTF-8: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from error


def refuse_twice(body: bytes) -> None:
    """MalformedRequest where an object names a field twice: of two customer ids no one knows which
    one is meant.
    """
    try:
        json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise MalformedRequest(f"the body names {name[:80]!r} twice in one object; send it once")


def ask_whole(portfolio: ServedPortfolio, body: bytes, caller: Caller) -> Subject | None:
    """The customer of a body that names every feature, so that nothing pushed or stored is needed.

    None if it does not, or where several models want to see the customer. NotAllowed where the
    caller may not send features.
    """
    share = portfolio.traffic.sole
    if share is None:
        return None

    catalogue = share.model.catalogue
    whole = catalogue.whole(body)
    if whole is None:
        return None

    customer_id, vector = whole
    caller.check_sent(catalogue.names, ())
    return Subject(customer_id, share, vector, (), (), None, False)


def ask(
    portfolio: ServedPortfolio, given: Given, pushed: Given, share: Share, customer_id: str | None
) -> Subject:
    """The customer as the share's model is to see it; InvalidRequest, or NotFound for an id that
    nothing is known of.
    """
    catalogue, faults = share.model.catalogue, []  # type: ignore[var-annotated]
    is_id_alone = customer_id is not None and len(given) == 1
    sent = (
        {}
        if is_id_alone
        else catalogue.read(
            given,
            faults,
            also_known=portfolio.request_names,
            as_of=portfolio.as_of,
        )
    )
    if faults:
        raise InvalidRequest(faults)
    if customer_id is None and not sent:
        raise InvalidRequest([Fault(CUSTOMER_ID, None, "a customer id, features, or both")])

    stored = (
        portfolio.features.get(customer_id)
        if customer_id is not None and portfolio.features
        else None
    )
    fresh = (
        catalogue.read(pushed, [], also_known=portfolio.known_names, as_of=portfolio.as_of)
        if pushed
        else {}
    )
    if stored is None and not sent and not fresh:
        month = (
            f"the features of {portfolio.features_month} do"
            if portfolio.features
            else "no month of features does"
        )
        raise NotFound(
            f"no customer {customer_id!r}: {month} not know the id; send features to score them"
        )

    if sent or fresh or stored is None:
        names = tuple(catalogue.names[place] for place in fresh if place not in sent)
        return _composed(portfolio, share, customer_id, stored, fresh | sent, names)

    return _looked_up(portfolio, share, customer_id, stored)


def chosen_share(
    portfolio: ServedPortfolio, given: Given, request_id: str, caller: Caller
) -> tuple[Share, str | None]:
    """The share that answers, and the customer's id; InvalidRequest where that is none.

    NotAllowed where more than an id is sent, and the caller may not send features.
    """
    caller.check_sent(given, (CUSTOMER_ID, portfolio.id_column))
    faults: list[Fault] = []
    customer_id = read_customer_id(given, faults, id_column=portfolio.id_column)
    if faults:
        raise InvalidRequest(faults)

    # By customer, so that a customer meets the same model each time; without an id by request.
    return portfolio.traffic.choose(customer_id or request_id), customer_id


def _looked_up(
    portfolio: ServedPortfolio, share: Share, customer_id: str | None, stored: StoredCustomer
) -> Subject:
    vector, missing = portfolio.vector(share.model, stored)
    features = stored.features
    if features[0] != features[0] and np.isnan(features).all():
        return Subject(customer_id, share, vector, missing, (), None, True)

    # A stored score is told only as the version that made it: another version must score itself.
    is_answer = portfolio.scored_by == share.model.version
    return Subject(customer_id, share, vector, missing, (), stored if is_answer else None, False)


def _composed(
    portfolio: ServedPortfolio,
    share: Share,
    customer_id: str | None,
    stored: StoredCustomer | None,
    values: Mapping[int, float],
    pushed: tuple[str, ...],
) -> Subject:
    catalogue = share.model.catalogue
    if stored is not None:
        vector, unknown = portfolio.vector(share.model, stored)
        missing = tuple(name for name in unknown if catalogue.places[name] not in values)
    else:
        vector = catalogue.defaults
        is_whole = len(values) == len(catalogue.names)
        missing = (
            ()
            if is_whole
            else tuple(n for place, n in enumerate(catalogue.names) if place not in values)
        )

    vector = vector.copy()
    for place, value in values.items():
        vector[place] = value

    return Subject(customer_id, share, vector, missing, pushed, None, False)
