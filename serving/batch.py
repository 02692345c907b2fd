"""Scores many customers of one request; one that cannot be scored does not sink the others."""

import time
from typing import Any

import msgspec

from churn_platform.published.contract import CUSTOMER_ID
from serving.answers import Answer, BatchAnswer, BatchError
from serving.asking import Asked, ask, chosen_arm, read_object
from serving.dataplane import Dataplane, probabilities
from serving.errors import Fault, InvalidRequest, NotFound, ServingError, TooLarge
from serving.inputs import shown
from serving.live import Portfolio

CUSTOMERS = "customers"


def predict_batch(plane: Dataplane, portfolio_name: str | None, body: bytes, request_id: str) -> BatchAnswer:
    """Scores in the order of the request. All of them are logged in one write, or none and LogUnavailable is raised."""
    begun = time.perf_counter()
    portfolio = plane.registry.get(portfolio_name)
    customers = _customers(body, plane.settings.batch_max)
    asked: list[Asked | None] = []
    errors: list[BatchError] = []
    for position, given in enumerate(customers):
        try:
            asked.append(_asked(plane, portfolio, given, f"{request_id}.{position}"))
        except (InvalidRequest, NotFound) as error:
            asked.append(None)
            errors.append(_error(portfolio, position, given, error))
    predictions = _scored(plane, portfolio, asked, request_id, begun)
    _shadows(plane, portfolio, asked, customers, request_id)
    return BatchAnswer(
        request_id=request_id,
        portfolio=portfolio.name,
        predictions=predictions,
        errors=errors,
        latency_ms=round((time.perf_counter() - begun) * 1e3, 3),
    )


def _customers(body: bytes, most: int) -> list[Any]:
    given = read_object(body)
    faults = [
        Fault(name[:80], shown(value), f"only {CUSTOMERS!r}") for name, value in given.items() if name != CUSTOMERS
    ]
    customers = given.get(CUSTOMERS)
    if not isinstance(customers, list) or not customers:
        faults.append(Fault(CUSTOMERS, shown(customers), "a list of at least one customer"))
    elif len(customers) > most:
        raise TooLarge(f"{len(customers)} customers in one batch; {most} are allowed, send several batches")
    if faults:
        raise InvalidRequest(faults)
    return customers  # type: ignore[return-value]


def _asked(plane: Dataplane, portfolio: Portfolio, given: Any, sole_id: str) -> Asked:
    if not isinstance(given, dict):
        raise InvalidRequest([Fault(CUSTOMERS, type(given).__name__, "an object per customer")])
    arm, customer_id = chosen_arm(portfolio, given, sole_id)
    return ask(portfolio, given, plane.pushed(portfolio, customer_id), arm, customer_id)


def _error(portfolio: Portfolio, position: int, given: Any, error: ServingError) -> BatchError:
    customer_id = given.get(CUSTOMER_ID, given.get(portfolio.id_column)) if isinstance(given, dict) else None
    return BatchError(
        position=position,
        customer_id=customer_id if isinstance(customer_id, str) else None,
        status=404 if isinstance(error, NotFound) else 422,
        detail=str(error),
        errors=msgspec.to_builtins(error.faults) if isinstance(error, InvalidRequest) else [],
    )


def _scored(
    plane: Dataplane, portfolio: Portfolio, asked: list[Asked | None], request_id: str, begun: float
) -> list[Answer | None]:
    places = [place for place, one in enumerate(asked) if one is not None]
    present = [one for one in asked if one is not None]
    scored = probabilities(present)
    answered = [
        plane.answered(portfolio, one, probability, request_id, place, begun)
        for place, one, probability in zip(places, present, scored, strict=True)
    ]
    plane.log_of(portfolio.name).append_many([record for _, record in answered])
    answers: list[Answer | None] = [None] * len(asked)
    for place, one, (answer, _) in zip(places, present, answered, strict=True):
        plane.count(portfolio, one, answer)
        answers[place] = answer
    return answers


def _shadows(
    plane: Dataplane, portfolio: Portfolio, asked: list[Asked | None], customers: list[Any], request_id: str
) -> None:
    for shadow in portfolio.arms.shadows:
        for place, one in enumerate(asked):
            if one is not None:
                pushed = plane.pushed(portfolio, one.customer_id)
                again = ask(portfolio, customers[place], pushed, shadow, one.customer_id)
                plane.score_in_shadow(portfolio, again, request_id, place)
