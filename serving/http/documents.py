"""The OpenAPI document and its interactive page, both from this process alone: no network is asked.

Routes and answers come from Litestar. What a request may say comes from the manifests of the models that are live, so
the document follows a reload as the checks do.
"""

import copy
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Redirect

from serving.errors import NotFound
from serving.http.request_schemas import PROBLEM, request_schemas
from serving.http.routes import needs
from serving.http.security import PUBLIC
from serving.live import Registry

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
ASSETS_PATH = "/schema/assets"
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:"
)
PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def documents(registry: Registry) -> tuple[Router, OpenAPIConfig]:
    """The router of the page's files, and the configuration that adds document and page."""
    config = OpenAPIConfig(
        title="Churn scores",
        version=version("churn-platform"),
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "ApiKey": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
                "Bearer": SecurityScheme(type="http", scheme="bearer"),
            }
        ),
        security=[{"ApiKey": []}, {"Bearer": []}],
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            before_request=_public,
            include_in_schema=False,
            response_headers={"content-security-policy": PAGE_POLICY},
        ),
        render_plugins=[
            _LiveSwagger(registry),
            _LiveJson(registry),
        ],
    )
    return Router("/", route_handlers=[asset, docs], include_in_schema=False), config


@get(f"{ASSETS_PATH}/{{name:str}}", sync_to_thread=True, opt=needs(PUBLIC))
def asset(name: str) -> Response[bytes]:
    """A file of Swagger UI, out of the package `swagger-ui-py`."""
    found = find_spec("swagger_ui")
    if name not in ASSETS or found is None or found.origin is None:
        raise NotFound(f"no file {name[:80]!r} of Swagger UI; it comes with the package swagger-ui-py")
    return Response((Path(found.origin).parent / "static" / name).read_bytes(), media_type=ASSETS[name])


@get("/docs", sync_to_thread=False, opt=needs(PUBLIC))
def docs() -> Redirect:
    """The interactive page."""
    return Redirect("/schema")


async def _public(request: Request[Any, Any, Any]) -> None:
    """Anybody may read the documents; what is none of them is a problem like everywhere, not Litestar's page."""
    if "path" in request.path_params:
        raise NotFound(f"no document {request.url.path[:80]!r}; there are /schema and /schema/openapi.json")


class _LiveJson(JsonRenderPlugin):
    """The document as JSON."""

    def __init__(self, registry: Registry):
        self._registry = registry
        super().__init__()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document for what is live now."""
        return super().render(request, live_document(openapi_schema, self._registry))


class _LiveSwagger(SwaggerRenderPlugin):
    """The document as an interactive page."""

    def __init__(self, registry: Registry):
        self._registry = registry
        super().__init__(
            favicon="<link rel='icon' href='data:,'>",
            js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            css_url=f"{ASSETS_PATH}/swagger-ui.css",
            standalone_preset_js_url=f"{ASSETS_PATH}/swagger-ui-standalone-preset.js",
        )

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page for what is live now."""
        return super().render(request, live_document(openapi_schema, self._registry))

    @staticmethod
    def render_json(request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document inside the page's script, where no text of it may end the script."""
        return SwaggerRenderPlugin.render_json(request, openapi_schema).replace(b"<", b"\\u003c")


def live_document(base: dict[str, Any], registry: Registry) -> dict[str, Any]:
    """Litestar's document with the request bodies that live models take, and with our problems as errors."""
    document = copy.deepcopy(base)
    schemas, bodies = request_schemas(registry)
    document["components"].setdefault("schemas", {}).update(schemas | {"Problem": PROBLEM})
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("400", None)
            operation["responses"] |= {
                status: {"description": what, "content": PROBLEM_CONTENT}
                for status, what in (("4XX", "The request cannot be served."), ("5XX", "The service cannot answer."))
            }
        if "post" in operations and (body := bodies.get(path)):
            operations["post"]["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return document
