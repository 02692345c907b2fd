"""The open inference protocol (version 2 of KServe's) over the scoring of batches: the same checks,
log, counts and shares, in other words.
"""

import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from churn_platform.published.format import CUSTOMER_ID
from serving.answer.answers import Answer, about
from serving.answer.batch import GiveWay, score_many
from serving.answer.dataplane import Dataplane
from serving.errors import InvalidRequest, MalformedRequest, NotFound
from serving.registry import ServedPortfolio
from serving.request.tensors import BYTES, INTEGER, NUMBER, Wanted, datatype_of, read_inference
from serving.security.callers import Caller

PLATFORM = "onnx_onnxv1"
ANY_ROWS = -1
Value = Callable[[Answer], object]
OUTPUTS: dict[str, tuple[str, Value]] = {
    "churn_probability": (NUMBER, lambda answer: answer.churn_probability),
    "risk_tier": (BYTES, lambda answer: answer.risk_tier),
    "model_version": (INTEGER, lambda answer: answer.model_version),
}


class TensorView(msgspec.Struct, kw_only=True):
    """An input or output of a model."""

    name: Annotated[str, about("A feature, the customer id, or what is answered.")]
    datatype: Annotated[str, about("The protocol's name of its type.")]
    shape: Annotated[list[int], about("One dimension, a row per customer; -1 for any number.")]


class ModelMetadata(msgspec.Struct, kw_only=True):
    """A portfolio as the protocol describes a model."""

    name: Annotated[str, about("The portfolio.")]
    versions: Annotated[list[str], about("Versions that answer, the champion first.")]
    platform: Annotated[str, about("What the models are: ONNX.")]
    inputs: Annotated[list[TensorView], about("The customer id, then the champion's features.")]
    outputs: Annotated[list[TensorView], about("What is answered.")]


class OutputTensor(msgspec.Struct, kw_only=True):
    """An output of an answer."""

    name: Annotated[str, about("What it holds.")]
    datatype: Annotated[str, about("The protocol's name of its type.")]
    shape: Annotated[list[int], about("Number of rows.")]
    data: Annotated[list[Any], about("A value per customer, in the order of the request.")]


class InferenceAnswer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Scores in the order of the request."""

    model_name: Annotated[str, about("The portfolio.")]
    model_version: Annotated[
        str | None, about("Version that answered all rows; left out where several did.")
    ] = None
    id: Annotated[str, about("As in the request; where it has none, the service's own.")]
    parameters: Annotated[
        dict[str, str], about("`request_id`: as in `x-request-id` and in the prediction log.")
    ]
    outputs: Annotated[list[OutputTensor], about("Those asked for, or all.")]


def infer(
    plane: Dataplane,
    portfolio_name: str | None,
    version: int | None,
    body: bytes,
    request_id: str,
    caller: Caller,
    give_way: GiveWay,
) -> InferenceAnswer:
    """Scores of all rows; where one cannot be scored none is, and nothing is logged.

    MalformedRequest that names input and row, NotFound for a customer whom no one knows.
    """
    begun = time.perf_counter()
    portfolio = plane.registry.get(portfolio_name)
    _check_alone(portfolio, version)
    asked, customers = read_inference(body)
    names = _wanted(asked.outputs or ())
    scored = score_many(
        plane, portfolio, customers, request_id, caller, give_way, begun=begun, refuse=_refuse
    )
    answers = [answer for answer in scored if answer is not None]
    versions = {answer.model_version for answer in answers}
    return InferenceAnswer(
        model_name=portfolio.name,
        model_version=str(versions.pop()) if len(versions) == 1 else None,
        id=asked.id or request_id,
        parameters={"request_id": request_id},
        outputs=[_output(name, answers) for name in names],
    )


def describe(portfolio: ServedPortfolio, version: int | None) -> ModelMetadata:
    """The portfolio, or one version of it that answers; NotFound."""
    shares = [
        share for share in portfolio.traffic.answering if version in (None, share.model.version)
    ]
    if not shares:
        raise NotFound(_no_version(portfolio, version))
    inputs = [_view(CUSTOMER_ID, BYTES)]
    for feature in shares[0].model.catalogue.features:
        inputs.append(_view(feature.name, datatype_of(feature)))
    return ModelMetadata(
        name=portfolio.name,
        versions=[str(share.model.version) for share in shares],
        platform=PLATFORM,
        inputs=inputs,
        outputs=[_view(name, datatype) for name, (datatype, _) in OUTPUTS.items()],
    )


def _check_alone(portfolio: ServedPortfolio, version: int | None) -> None:
    """A version may be asked for by number only while it answers alone.

    Chosen by the caller, it would answer customers of another share, and spoil the comparison.
    """
    if version is None:
        return
    versions = [share.model.version for share in portfolio.traffic.answering]
    if version not in versions:
        raise NotFound(_no_version(portfolio, version))
    if len(versions) > 1:
        shared = " and ".join(map(str, versions))
        raise MalformedRequest(
            f"versions {shared} share the customers of {portfolio.name}; ask without a version"
        )


def _no_version(portfolio: ServedPortfolio, version: int | None) -> str:
    answering = ", ".join(str(share.model.version) for share in portfolio.traffic.answering)
    return f"version {version} of {portfolio.name} does not answer; {answering} does"


def _refuse(row: int, error: InvalidRequest | NotFound) -> None:
    # The protocol has no place for the error of one row: all are refused, before any is logged.
    kind = NotFound if isinstance(error, NotFound) else MalformedRequest
    raise kind(f"row {row}: {error}") from error


def _wanted(asked: Sequence[Wanted]) -> list[str]:
    """Names of the outputs to answer; MalformedRequest for one that there is not."""
    names = [one.name for one in asked] or list(OUTPUTS)
    for name in names:
        if name not in OUTPUTS:
            raise MalformedRequest(f"output {name[:80]!r}; there are {', '.join(OUTPUTS)}")
    return names


def _output(name: str, answers: list[Answer]) -> OutputTensor:
    datatype, value_of = OUTPUTS[name]
    data = [value_of(answer) for answer in answers]
    return OutputTensor(name=name, datatype=datatype, shape=[len(data)], data=data)


def _view(name: str, datatype: str) -> TensorView:
    return TensorView(name=name, datatype=datatype, shape=[ANY_ROWS])
