"""A bare Litestar echo: what the framework and the server cost with no work at all."""

from typing import Any

from litestar import Litestar, post
from litestar.params import JSONBody


@post("/echo", status_code=200)
async def echo(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    """The body, decoded and encoded again."""
    return data


app = Litestar([echo], openapi_config=None)
