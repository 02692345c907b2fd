"""Scores many customers of one request; one that cannot be scored does not sink the others.

A batch takes as long as hundreds of look-ups, so it gives way again and again: after each customer
it calls `give_way`, which may pause, or end the work by raising.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from churn_platform.published.format import CUSTOMER_ID
from serving.answer.answers import Answer, BatchAnswer, BatchSummary
from serving.answer.dataplane import Dataplane, Scored, probabilities, probability_of
from serving.answer.refusals import Refusals
from serving.errors import Fault, InvalidRequest, NotFound, TooLarge
from serving.registry import ServedPortfolio
from serving.request.inputs import FAULTS_MAX, shown
from serving.request.subject import (
    Subject,
    ask,
    ask_whole,
    chosen_share,
    read_json,
    read_object,
    refuse_twice,
)
from serving.security.callers import Caller
from serving.traffic.split import Share

CUSTOMERS, THRESHOLD, SUMMARY = "customers", "threshold", "summary"
GiveWay = Callable[[], None]
Refuse = Callable[[int, InvalidRequest | NotFound], None]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """A batch whose customers are not read yet, so that each can be in its turn."""

    customers: list[msgspec.Raw]
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    summary: bool = False


_split = msgspec.json.Decoder(_Body).decode


def predict_batch(
    plane: Dataplane,
    portfolio_name: str | None,
    body: bytes,
    request_id: str,
    caller: Caller,
    give_way: GiveWay,
) -> BatchAnswer:
    """Scores in the order of the request. All of them are logged in one write, or none and
    LogUnavailable is raised.

    What `give_way` raises ends the work: before the write nothing is logged, after it shadows score
    no more.
    """
    begun = time.perf_counter()
    portfolio = plane.registry.get(portfolio_name)
    asked, customers = _read(body)
    refusals = Refusals()

    def refuse(position: int, error: InvalidRequest | NotFound) -> None:
        refusals.add(position, _id_in(portfolio, customers[position]), error)

    predictions = score_many(
        plane,
        portfolio,
        customers,
        request_id,
        caller,
        give_way,
        begun=begun,
        refuse=refuse,
    )
    plane.metrics.batched.labels(portfolio.name).inc(len(customers))
    # Counters and log keep what the version itself decides: a client's wish moves no monitoring.
    if asked.threshold is not None:
        decide(predictions, asked.threshold)

    answer = BatchAnswer(
        request_id=request_id,
        portfolio=portfolio.name,
        predictions=predictions,
        errors=refusals.told(),
        latency_ms=round((time.perf_counter() - begun) * 1e3, 3),
    )
    if asked.summary or asked.threshold is not None:
        answer.summary = summary_of(predictions)
    return answer


def decide(predictions: Sequence[Answer | None], threshold: float) -> None:
    """Let each answer say what follows from another threshold than its version's."""
    for answer in predictions:
        if answer is not None:
            probability = answer.churn_probability
            answer.threshold = threshold
            answer.churn_prediction = probability >= threshold
            answer.confidence = probability if answer.churn_prediction else 1 - probability


def summary_of(predictions: Sequence[Answer | None]) -> BatchSummary:
    """Totals over the answers of a batch."""
    answers = [answer for answer in predictions if answer is not None]
    churners = sum(answer.churn_prediction for answer in answers)
    return BatchSummary(
        total=len(predictions),
        scored=len(answers),
        churners=churners,
        churn_rate=churners / len(answers) if answers else None,
    )


def score_many(
    plane: Dataplane,
    portfolio: ServedPortfolio,
    customers: list[bytes],
    request_id: str,
    caller: Caller,
    give_way: GiveWay,
    *,
    begun: float,
    refuse: Refuse,
) -> list[Answer | None]:
    """The answer on each customer, given as JSON objects; logged and counted.

    refuse: is told of each that cannot be scored, who then has no answer. What it raises ends the
    work before anything is logged. TooLarge beyond the limit.
    """
    _check_number(len(customers), plane.settings.batch_max)
    # A batch of 500 counts as 500 customers, or the rate of a key would mean nothing.
    caller.count(
        len(customers), counted=1
    )  # the request itself was counted before its body was read

    # Each customer is read in its turn: one that is wrong must not sink the others.
    asked: list[Subject | None] = []
    for position, customer in enumerate(customers):
        try:
            asked.append(_asked(plane, portfolio, customer, f"{request_id}.{position}", caller))
        except (InvalidRequest, NotFound) as error:
            asked.append(None)
            refuse(position, error)

        give_way()

    answers = _scored(plane, portfolio, asked, customers, request_id, begun, give_way)
    _shadows(plane, portfolio, asked, customers, request_id, give_way)
    return answers


def _check_number(customers: int, most: int) -> None:
    if customers > most:
        raise TooLarge(
            f"{customers} customers in one batch; {most} are allowed, send several batches"
        )


def _read(body: bytes) -> tuple[_Body, list[bytes]]:
    """What the request says, and the JSON of each customer; MalformedRequest or InvalidRequest."""
    try:
        asked = _split(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        asked = _Body([])  # reading it all says what is wrong

    customers = [bytes(customer) for customer in asked.customers]
    if not customers:
        _refuse(read_object(body))

    # A cheap test first: only more colons than the customers explain can hide a name given twice.
    if body.count(b":") > 1 + sum(customer.count(b":") for customer in customers):
        refuse_twice(body)

    return asked, customers


def _refuse(given: dict[str, Any]) -> None:
    faults = []
    for name, value in given.items():
        allowed = _allowed(name, value)
        if allowed:
            faults.append(Fault(name[:80], shown(value), allowed))

    faults = faults[:FAULTS_MAX]
    customers = given.get(CUSTOMERS)
    if not isinstance(customers, list) or not customers:
        faults.append(Fault(CUSTOMERS, shown(customers), "a list of at least one customer"))

    raise InvalidRequest(faults)


def _allowed(name: str, value: Any) -> str:
    """What may stand in a batch in this place; empty where the value may."""
    if name == CUSTOMERS:
        return ""  # told with the case that it is missing
    if name == SUMMARY:
        return "" if isinstance(value, bool) else "true or false"
    if name != THRESHOLD:
        return f"only {CUSTOMERS!r}, {THRESHOLD!r} and {SUMMARY!r}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = value is None or (is_number and 0 <= value <= 1)
    return "" if fits else "a number from 0 to 1"


def _asked(
    plane: Dataplane, portfolio: ServedPortfolio, customer: bytes, sole_id: str, caller: Caller
) -> Subject:
    whole = ask_whole(portfolio, customer, caller)
    if whole is not None:
        return whole
    given = _given(customer)
    share, customer_id = chosen_share(portfolio, given, sole_id, caller)
    pushed = plane.pushed(portfolio, customer_id)
    return plane.stand_in.attempt(
        portfolio, share, lambda share: ask(portfolio, given, pushed, share, customer_id)
    )


def _given(customer: bytes) -> dict[str, Any]:
    if customer.lstrip()[:1] == b"{":
        return read_object(customer)
    kind = type(read_json(customer)).__name__
    raise InvalidRequest([Fault(CUSTOMERS, kind, "an object per customer")])


def _id_in(portfolio: ServedPortfolio, customer: bytes) -> str | None:
    """The id of a customer that was refused, if it has one."""
    given = read_json(customer)
    if not isinstance(given, dict):
        return None
    customer_id = given.get(CUSTOMER_ID, given.get(portfolio.id_column))
    return customer_id if isinstance(customer_id, str) else None


def _scored(
    plane: Dataplane,
    portfolio: ServedPortfolio,
    asked: list[Subject | None],
    customers: list[bytes],
    request_id: str,
    begun: float,
    give_way: GiveWay,
) -> list[Answer | None]:
    places = [place for place, one in enumerate(asked) if one is not None]
    present = [one for one in asked if one is not None]
    scored = _together(present)

    answered = []
    for place, one, probability in zip(places, present, scored, strict=True):
        answered.append(
            _answered(
                plane, portfolio, one, probability, customers[place], request_id, place, begun
            )
        )
        give_way()

    # One write for the whole batch, before any answer: a batch is logged whole or not at all.
    plane.log_of(portfolio.name).append_many([record for _, _, record in answered])
    answers: list[Answer | None] = [None] * len(asked)
    for place, (subject, answer, _) in zip(places, answered, strict=True):
        plane.count(portfolio, subject, answer)
        answers[place] = answer

    return answers


def _together(present: list[Subject]) -> list[float] | list[None]:
    """The probability of each; None for all where a version failed, so that each is tried alone."""
    try:
        return probabilities(present)
    except Exception:
        return [None] * len(present)


def _answered(
    plane: Dataplane,
    portfolio: ServedPortfolio,
    one: Subject,
    probability: float | None,
    customer: bytes,
    request_id: str,
    place: int,
    begun: float,
) -> Scored:
    def answered_by(share: Share) -> Scored:
        subject, score = one, probability
        if share is not one.share:
            pushed = plane.pushed(portfolio, one.customer_id)
            given = read_object(customer)
            subject, score = ask(portfolio, given, pushed, share, one.customer_id), None
        if score is None:
            score = probability_of(subject)
        return subject, *plane.answered(portfolio, subject, score, request_id, place, begun)

    return plane.stand_in.attempt(portfolio, one.share, answered_by)


def _shadows(
    plane: Dataplane,
    portfolio: ServedPortfolio,
    asked: list[Subject | None],
    customers: list[bytes],
    request_id: str,
    give_way: GiveWay,
) -> None:
    for shadow in portfolio.traffic.shadows:
        for place, one in enumerate(asked):
            if one is not None:
                given = read_object(customers[place])
                plane.score_in_shadow(portfolio, given, shadow, one.customer_id, request_id, place)
                give_way()
