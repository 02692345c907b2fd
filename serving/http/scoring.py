"""Routes that score: one customer, many, one that is known, and why. The body is read by the model's own catalogue."""

import asyncio

from litestar import Controller, get, post

from serving.answers import Answer, BatchAnswer, CustomerView, Explanation, PushAnswer
from serving.batch import predict_batch
from serving.explanation import explain
from serving.http.routes import Asking, both, id_of, needs, plane_of
from serving.http.security import PUSH, SCORE


class ScoringController(Controller):
    """Scores."""

    tags = ("scores",)

    @post(both("/predict"), status_code=200, sync_to_thread=False, opt=needs(SCORE))
    def predict(self, request: Asking, body: bytes, portfolio: str | None = None) -> Answer:
        """Score a customer: by id (looked up), by features (scored now), or both (what is sent goes before)."""
        return plane_of(request).predict(portfolio, body, id_of(request))

    @post(both("/predict/batch"), status_code=200, opt=needs(SCORE))
    async def predict_batch(self, request: Asking, body: bytes, portfolio: str | None = None) -> BatchAnswer:
        """Score many customers; one that cannot be scored gets an error of its own."""
        return await asyncio.to_thread(predict_batch, plane_of(request), portfolio, body, id_of(request))

    @get(both("/customers/{customer_id:str}"), sync_to_thread=False, opt=needs(SCORE))
    def customer(self, request: Asking, customer_id: str, portfolio: str | None = None) -> CustomerView:
        """The score of a known customer with the features behind it."""
        return plane_of(request).customer(portfolio, customer_id, id_of(request))

    @post(both("/explain"), status_code=200, sync_to_thread=False, opt=needs(SCORE))
    def explain(self, request: Asking, body: bytes, portfolio: str | None = None) -> Explanation:
        """Why a customer scores so, and what a change of features (`what_if`) would do."""
        return explain(plane_of(request), portfolio, body, id_of(request))

    @post(both("/features/push"), status_code=200, opt=needs(PUSH))
    async def push(self, request: Asking, body: bytes, portfolio: str | None = None) -> PushAnswer:
        """Let fresher feature values of a customer count for a while, in every worker process."""
        return await asyncio.to_thread(plane_of(request).push, portfolio, body, id_of(request))
