"""Routes of the open inference protocol, as KServe, Seldon, MLServer and Triton speak it. A
portfolio is a model.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.types import ASGIApp, Method
from litestar.types.internal_types import PathParameterDefinition

from serving.answer.answers import about
from serving.answer.inference import InferenceAnswer, ModelMetadata, describe, infer
from serving.errors import NotReady
from serving.http.authorisation import PUBLIC
from serving.http.problems import PROTOCOL
from serving.http.routes import (
    Asking,
    Encoded,
    answers,
    body_of,
    caller_of,
    id_of,
    in_background,
    needs,
    plane_of,
    portfolio_of,
)
from serving.security.api_keys import SCORE

MODEL, VERSION = f"{PROTOCOL}/models/{{portfolio:str}}", "version"
SERVER = "churn-serving"


class ServerMetadata(msgspec.Struct, kw_only=True):
    """The service as the protocol describes a server."""

    name: Annotated[str, about("Name of the service.")]
    version: Annotated[str, about("Its version.")]
    extensions: Annotated[list[str], about("Extensions of the protocol: none.")]


class Liveness(msgspec.Struct, kw_only=True):
    """Whether the service answers at all."""

    live: Annotated[bool, about("Always true; a service that is not does not answer.")]


class Readiness(msgspec.Struct, kw_only=True):
    """Whether the service can score."""

    ready: Annotated[bool, about("Always true; a service that is not answers 503.")]


class ModelReadiness(msgspec.Struct, kw_only=True):
    """Whether one portfolio can be scored."""

    name: Annotated[str, about("The portfolio.")]
    ready: Annotated[bool, about("Always true; a portfolio that is not answers 503 or 404.")]


def with_version(path: str) -> list[str]:
    """A path of a model, and the same of one of its versions."""
    return [f"{MODEL}{path}", f"{MODEL}/versions/{{version:int}}{path}"]


def protocol_id(
    operation_id: str,
) -> Callable[[Any, Method, Sequence[str | PathParameterDefinition]], str]:
    """The operation's name in the document; its twin of one version says so."""

    def name_of(_: Any, __: Method, path: Sequence[str | PathParameterDefinition]) -> str:
        names = [part.name for part in path if not isinstance(part, str)]
        return f"{operation_id}_of_version" if VERSION in names else operation_id

    return name_of


def version_of(request: Asking) -> int | None:
    """The version that the path names."""
    return request.path_params.get(VERSION)


class InferenceController(Controller):
    """The open inference protocol."""

    tags = ("open inference protocol",)

    @get(PROTOCOL, operation_id="get_server_metadata", sync_to_thread=False, opt=needs(PUBLIC))
    def server(self) -> ServerMetadata:
        """Name and version of the service."""
        return ServerMetadata(name=SERVER, version=version("churn-platform"), extensions=[])

    @get(
        f"{PROTOCOL}/health/live",
        operation_id="check_server_liveness",
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
    def live(self) -> Liveness:
        """200 as long as the process answers at all."""
        return Liveness(live=True)

    @get(
        f"{PROTOCOL}/health/ready",
        operation_id="check_server_readiness",
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
    def ready(self, request: Asking) -> Readiness:
        """200 when a checked model is loaded and answers can be logged."""
        if why := plane_of(request).unready():
            raise NotReady(why)
        return Readiness(ready=True)

    @get(
        with_version(""),
        operation_id=protocol_id("get_model_metadata"),
        sync_to_thread=False,
        opt=needs(SCORE),
    )
    def model(self, request: Asking) -> ModelMetadata:
        """Inputs, outputs and versions of a portfolio."""
        found = plane_of(request).registry.get(portfolio_of(request))
        return describe(found, version_of(request))

    @get(
        with_version("/ready"),
        operation_id=protocol_id("check_model_readiness"),
        sync_to_thread=False,
        opt=needs(PUBLIC),
    )
    def model_ready(self, request: Asking) -> ModelReadiness:
        """200 when the portfolio has a checked model, and its answers can be logged."""
        plane = plane_of(request)
        found = plane.registry.get(portfolio_of(request))
        describe(found, version_of(request))
        if why := plane.unready(found.name):
            raise NotReady(why)
        return ModelReadiness(name=found.name, ready=True)

    @post(
        with_version("/infer"),
        operation_id=protocol_id("infer"),
        status_code=200,
        opt=needs(SCORE),
        responses=answers(InferenceAnswer),
    )
    async def infer(self, request: Asking) -> ASGIApp:
        """Score the customers of a request, a tensor per feature; if one cannot be scored, none
        is.
        """
        asked = (
            plane_of(request),
            portfolio_of(request),
            version_of(request),
            body_of(request),
            id_of(request),
            caller_of(request),
        )
        return await in_background(request, lambda give_way: Encoded(infer(*asked, give_way)))
