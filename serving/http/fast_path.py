"""The short way of `POST /predict`, the one route that is asked thousands of times a second.

Routing, injection and response objects of Litestar cost more than the look-up itself, so what asks
nothing of them goes from gate to answer directly. Litestar's own route stays: it describes this
one, and each faulty request, or one from a browser, takes it.
"""

from litestar.types import ASGIApp, Receive, Scope, Send

from serving.answer.dataplane import Dataplane
from serving.http.authorisation import CALLER, Gate
from serving.http.middleware import BODY, FAULT, HEADERS, REQUEST_ID
from serving.http.routes import PREDICTION, Encoded

PREDICT = "/predict"


def short_cut(app: ASGIApp, gate: Gate, plane: Dataplane) -> ASGIApp:
    """The application with its short way; an error is left to the long one, which answers every
    error.
    """

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        answer = app
        if is_plain_prediction(scope):
            state = scope["state"]
            try:
                portfolio = scope["path"][1 : -len(PREDICT)] or None
                gate.check(scope, PREDICTION, portfolio)
                answer = Encoded(
                    plane.predict(portfolio, state[BODY], state[REQUEST_ID], state[CALLER])
                )
            # Kept, not answered: Litestar's route gives every error one shape, and CORS headers.
            except Exception as fault:
                state[FAULT] = fault

        await answer(scope, receive, send)

    return answered


def is_plain_prediction(scope: Scope) -> bool:
    """Whether this is `POST /predict`, or the same below a portfolio's name, and not from a web
    page.
    """
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"].endswith(PREDICT)
        and scope["path"].count("/") <= 2
        # A browser needs CORS headers, which the long way adds.
        and b"origin" not in scope["state"][HEADERS]
    )
