"""What the controllers share: paths, names of operations, and an answer without Litestar."""

import asyncio
from types import SimpleNamespace

import msgspec

from serving.http.routes import Encoded, both, named, portfolio_of


class Answer(msgspec.Struct):
    """An answer of one field."""

    score: float


def test_each_path_is_there_for_the_default_portfolio_and_below_a_name():
    """The same route twice."""
    assert both("/predict") == ["/predict", "/{portfolio:str}/predict"]


def test_an_operation_below_a_portfolio_has_a_name_of_its_own():
    """A document names each operation once; a path part that is no text is the portfolio."""
    name_of = named("predict")
    assert name_of(None, "POST", ["predict"]) == "predict"
    assert name_of(None, "POST", [SimpleNamespace(name="portfolio"), "predict"]) == (
        "predict_of_portfolio"
    )


def test_a_path_at_the_root_names_no_portfolio():
    """The default portfolio is somebody else's decision."""
    asked = [SimpleNamespace(scope={"path_params": names}) for names in ({}, {"portfolio": "tiny"})]
    assert [portfolio_of(request) for request in asked] == [None, "tiny"]


def test_an_encoded_answer_is_whole_json():
    """One start with type and length, one body."""
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    asyncio.run(Encoded(Answer(0.25))({}, None, send))  # type: ignore[arg-type]
    start, body = sent
    assert (body["body"], body["more_body"]) == (b'{"score":0.25}', False)
    assert (start["status"], dict(start["headers"])) == (
        200,
        {b"content-type": b"application/json", b"content-length": b"14"},
    )
