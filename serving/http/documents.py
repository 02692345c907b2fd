"""The OpenAPI document and its interactive page, both from this process alone: no network is asked.

Routes and answers come from Litestar. What a request may say comes from the manifests of the models
that are live, so the document follows a reload as the checks do.
"""

import copy
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Redirect

from churn_platform.published.format import CUSTOMER_ID
from serving.errors import NotFound
from serving.http.authorisation import NEEDS, PUBLIC
from serving.http.operations import complete
from serving.http.request_schemas import EXAMPLE_ID, ID, Body, request_schemas
from serving.http.routes import GATE, OF_PORTFOLIO, needs
from serving.registry import Registry
from serving.security.api_keys import ADMIN
from serving.settings import ServiceSettings

ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
CACHED = "public, max-age=86400"  # a day: the files change with the package alone
ASSETS_PATH = "/schema/assets"
PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:"
)
PORTFOLIO, BELOW_PORTFOLIO = "portfolio", "/{portfolio}"


def documents(
    registry: Registry, settings: ServiceSettings, *, is_open: Callable[[], bool]
) -> tuple[Router, OpenAPIConfig]:
    """The router of the page's files, and the configuration that adds document and page."""
    live = _Live(registry, settings, is_open)
    config = OpenAPIConfig(
        title="Churn scores",
        description="Scores a telecom operator's customers by their risk to leave, with reasons.",
        version=version("churn-platform"),
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "ApiKey": SecurityScheme(
                    type="apiKey",
                    name="X-API-Key",
                    security_scheme_in="header",
                ),
                "Bearer": SecurityScheme(type="http", scheme="bearer"),
            }
        ),
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            before_request=_public,
            include_in_schema=False,
            response_headers={"content-security-policy": PAGE_POLICY},
        ),
        render_plugins=[_LiveSwagger(live), _LiveJson(live)],
    )
    return Router("/", route_handlers=[asset, docs], include_in_schema=False), config


@get(f"{ASSETS_PATH}/{{name:str}}", sync_to_thread=True, opt=needs(PUBLIC))
def asset(name: str) -> Response[bytes]:
    """A file of Swagger UI, out of the package `swagger-ui-py`."""
    content = _content(name) if name in ASSETS else None
    if content is None:
        raise NotFound(
            f"no file {name[:80]!r} of Swagger UI; it comes with the package swagger-ui-py"
        )
    return Response(content, media_type=ASSETS[name], headers={"cache-control": CACHED})


@lru_cache(len(ASSETS))
def _content(name: str) -> bytes | None:
    """The file, read once; None without the package."""
    # Swagger UI comes as a package, so no page asks a network and no foreign code is in this one.
    found = find_spec("swagger_ui")
    if found is None or found.origin is None:
        return None
    return (Path(found.origin).parent / "static" / name).read_bytes()


@get("/docs", sync_to_thread=False, opt=needs(PUBLIC))
def docs() -> Redirect:
    """The interactive page."""
    return Redirect("/schema")


async def _public(request: Request[Any, Any, Any]) -> None:
    """Every caller that the gate lets in may read the documents.

    What is none of them is a problem like everywhere, not Litestar's page.
    """
    request.app.state[GATE].check(request.scope, PUBLIC, None)
    if "path" in request.path_params:
        raise NotFound(
            f"no document {request.url.path[:80]!r}; there are /schema and /schema/openapi.json"
        )


class _Live:
    """The document for what is live now, made of Litestar's.

    Anybody may ask for it, without key or rate, so each rendering is made once for what is live.
    """

    def __init__(self, registry: Registry, settings: ServiceSettings, is_open: Callable[[], bool]):
        self._registry, self._settings, self._is_open = registry, settings, is_open
        self._rendered: dict[str, tuple[object, bytes]] = {}

    def rendered(self, kind: str, render: Callable[[], bytes]) -> bytes:
        """What `render` gives, remembered until another state is live or the service is closed by a
        key.
        """
        state = (self._registry.generation, self._is_open())
        made_for, content = self._rendered.get(kind, (None, b""))
        if made_for != state:
            content = render()
            self._rendered[kind] = (state, content)
        return content

    def document(self, request: Request[Any, Any, Any], base: dict[str, Any]) -> dict[str, Any]:
        """The document; `base` stays as it is."""
        scopes = scopes_by_path(request.app)
        return live_document(base, self._registry, self._settings, scopes, is_open=self._is_open())


class _LiveJson(JsonRenderPlugin):
    """The document as JSON."""

    def __init__(self, live: _Live):
        self._live = live
        super().__init__()

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document for what is live now."""
        render = super().render
        return self._live.rendered(
            "json", lambda: render(request, self._live.document(request, openapi_schema))
        )


class _LiveSwagger(SwaggerRenderPlugin):
    """The document as an interactive page."""

    def __init__(self, live: _Live):
        self._live = live
        super().__init__(
            favicon="<link rel='icon' href='data:,'>",
            js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            css_url=f"{ASSETS_PATH}/swagger-ui.css",
            standalone_preset_js_url=f"{ASSETS_PATH}/swagger-ui-standalone-preset.js",
        )

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page for what is live now."""
        render = super().render
        return self._live.rendered(
            "page", lambda: render(request, self._live.document(request, openapi_schema))
        )

    @staticmethod
    def render_json(request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document inside the page's script, where no text of it may end the script."""
        # A description that holds `</script>` would otherwise end the script of the page.
        return SwaggerRenderPlugin.render_json(request, openapi_schema).replace(b"<", b"\\u003c")


def scopes_by_path(app: Litestar) -> dict[tuple[str, str], str]:
    """(path, method) -> the scope that its handler needs, as the gate reads it."""
    found = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in handler.http_methods:
                found[route.path_format, method.lower()] = handler.opt.get(NEEDS, ADMIN)
    return found


def live_document(
    base: dict[str, Any],
    registry: Registry,
    settings: ServiceSettings,
    scopes: Mapping[tuple[str, str], str],
    *,
    is_open: bool,
) -> dict[str, Any]:
    """Litestar's document with the portfolios and models that are live: their paths, bodies, errors
    and keys.
    """
    # Litestar keeps its document and hands out the same object each time.
    document = copy.deepcopy(base)
    schemas, bodies = request_schemas(registry, settings)
    document["components"].setdefault("schemas", {}).update(schemas)

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = scopes[path, method]
            complete(
                operation,
                method,
                path,
                scope=scope,
                is_open=is_open,
                settings=settings,
            )
            _describe_parameters(operation, registry)

    paths = _by_portfolio(document["paths"], bodies, registry.served)
    for path, (schema, example) in bodies.items():
        content = {"application/json": {"schema": schema, "example": example}}
        post = paths[path]["post"]
        post["requestBody"] = {"required": True, "content": content}

    document["paths"] = paths
    return document


def _by_portfolio(
    paths: dict[str, Any], bodies: Mapping[str, Body], served: list[str]
) -> dict[str, Any]:
    """The paths, with one for each portfolio where the body differs: each portfolio has features of
    its own.
    """
    found: dict[str, Any] = {}
    for path, operations in paths.items():
        names = []
        action = path.removeprefix(BELOW_PORTFOLIO)
        if path.startswith(BELOW_PORTFOLIO):
            names = [name for name in served if f"/{name}{action}" in bodies]

        if not names:
            found[path] = operations

        for name in names:
            found[f"/{name}{action}"] = {"post": _of(name, operations["post"])}

    return found


def _of(portfolio: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The operation for one portfolio, which its path names and no parameter."""
    name = operation["operationId"].removesuffix(OF_PORTFOLIO) + f"_{portfolio}"
    parameters = [it for it in operation.get("parameters", []) if it["name"] != PORTFOLIO]
    return operation | {"operationId": name, "parameters": parameters}


def _describe_parameters(operation: dict[str, Any], registry: Registry) -> None:
    served = registry.served
    about: dict[str, dict[str, Any]] = {
        PORTFOLIO: {"description": "Name of the portfolio.", "schema": {"type": "string"}},
        CUSTOMER_ID: {"description": ID["description"], "schema": ID, "example": EXAMPLE_ID},
        "version": {
            "description": "Version of the model.",
            "schema": {"type": "integer", "minimum": 1},
        },
    }
    if served:
        default = registry.shown
        about[PORTFOLIO] |= {"schema": {"type": "string", "enum": served}, "example": default.name}
        about["version"]["example"] = default.traffic.champion.model.version

    for parameter in operation.get("parameters", []):
        parameter.update(about[parameter["name"]])
