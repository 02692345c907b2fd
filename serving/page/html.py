"""Templates as answers, with what every page shows: who is signed in, and the menu."""

from typing import Any

from litestar import Request, Response
from litestar.enums import MediaType

from serving.page.gate import page_of
from serving.page.roles import HOMES, may


def html(
    request: Request[Any, Any, Any], template: str, *, status: int = 200, **values: Any
) -> Response[str]:
    """A whole page."""
    page, session = page_of(request), request.state.get("session")
    portfolios = page.bundles.portfolios if session else []
    portfolio = request.path_params.get("portfolio")
    menu = []
    if session and portfolios:
        shown = portfolio if portfolio in portfolios else portfolios[0]
        menu = [(path, f"/{shown}/{path}") for need, path in HOMES if may(session.roles, need)]
    if session and may(session.roles, "access.view"):
        menu.append(("access", "/access"))
    content = page.render(
        template,
        session=session,
        menu=menu,
        portfolios=portfolios,
        portfolio=portfolio,
        path=request.url.path,
        may=may,
        **values,
    )
    return Response(content, status_code=status, media_type=MediaType.HTML)
