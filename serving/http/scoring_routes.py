"""Routes that score: one customer, many, one that is known, and why. The model's own catalogue
reads the body.
"""

import asyncio

from litestar import Controller, get, post
from litestar.types import ASGIApp

from serving.answer.answers import (
    Answer,
    BatchAnswer,
    CustomerView,
    EventsAnswer,
    Explanation,
    PushAnswer,
)
from serving.answer.batch import predict_batch
from serving.answer.events import keep_events
from serving.answer.explanation import explain
from serving.answer.push import push
from serving.http.routes import (
    PREDICTION,
    Asking,
    Encoded,
    answers,
    body_of,
    both,
    caller_of,
    id_of,
    in_background,
    named,
    needs,
    plane_of,
    portfolio_of,
)
from serving.security.api_keys import PUSH, SCORE


class ScoringController(Controller):
    """Scores."""

    tags = ("scores",)

    @post(
        both("/predict"),
        operation_id=named("predict"),
        status_code=200,
        sync_to_thread=False,
        opt=needs(PREDICTION),
        responses=answers(Answer),
    )
    def predict(self, request: Asking) -> ASGIApp:
        """Score a customer: by id (looked up), by features (scored now), or both (what is sent goes
        before).
        """
        asked = portfolio_of(request), body_of(request), id_of(request), caller_of(request)
        # In the event loop: handing a look-up to a thread would cost several times the look-up.
        return Encoded(plane_of(request).predict(*asked))

    @post(
        both("/predict/batch"),
        operation_id=named("predict_batch"),
        status_code=200,
        opt=needs(SCORE),
        responses=answers(BatchAnswer),
    )
    async def predict_batch(self, request: Asking) -> ASGIApp:
        """Score many customers; one that cannot be scored gets an error of its own."""
        asked = (
            plane_of(request),
            portfolio_of(request),
            body_of(request),
            id_of(request),
            caller_of(request),
        )
        return await in_background(
            request, lambda give_way: Encoded(predict_batch(*asked, give_way))
        )

    @get(
        both("/customers/{customer_id:str}"),
        operation_id=named("get_customer"),
        sync_to_thread=False,
        opt=needs(SCORE),
    )
    def customer(self, request: Asking, customer_id: str) -> CustomerView:
        """The score of a known customer with the features behind it."""
        return plane_of(request).customer(portfolio_of(request), customer_id, id_of(request))

    @post(
        both("/explain"),
        operation_id=named("explain"),
        status_code=200,
        sync_to_thread=False,
        opt=needs(SCORE),
    )
    def explain(self, request: Asking) -> Explanation:
        """Why a customer scores so, and what a change of features (`what_if`) would do."""
        asked = (
            plane_of(request),
            portfolio_of(request),
            body_of(request),
            id_of(request),
            caller_of(request),
        )
        return explain(*asked)

    @post(
        both("/features/push"),
        operation_id=named("push_features"),
        status_code=200,
        opt=needs(PUSH),
    )
    async def push(self, request: Asking) -> PushAnswer:
        """Let fresher feature values of a customer count for a while, in every worker process."""
        asked = plane_of(request), portfolio_of(request), body_of(request), id_of(request)
        # A push is synced to disk, which takes milliseconds, and must not hold the event loop.
        return await asyncio.to_thread(push, *asked)

    @post(
        both("/features/events"),
        operation_id=named("push_events"),
        status_code=200,
        opt=needs(PUSH),
    )
    async def events(self, request: Asking) -> EventsAnswer:
        """Take events of a stream, late or again as they may be: of each feature the value of the
        newest counts.
        """
        asked = (
            plane_of(request),
            portfolio_of(request),
            body_of(request),
            id_of(request),
            caller_of(request),
        )
        return await asyncio.to_thread(keep_events, *asked)
