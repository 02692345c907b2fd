"""A customer's card, small enough for a frame in a CRM, and the same as JSON."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.enums import MediaType

from serving.page.customer_routes import note_look
from serving.page.customers import view_customer
from serving.page.embedding import EMBEDDED, POLICY, frame_policy, wants_json
from serving.page.gate import needs, page_of
from serving.page.html import html

CARD = needs("customer.view") | {EMBEDDED: True}


class CardController(Controller):
    """One customer, one look."""

    @get("/card/{customer_id:str}", opt=CARD, sync_to_thread=True)
    def show(self, request: Request[Any, Any, Any], customer_id: str) -> Response[Any]:
        """The card, of the first portfolio."""
        return _card(request, next(iter(page_of(request).bundles.portfolios), ""), customer_id)

    @get("/{portfolio:str}/card/{customer_id:str}", opt=CARD, sync_to_thread=True)
    def show_of(
        self, request: Request[Any, Any, Any], portfolio: str, customer_id: str
    ) -> Response[Any]:
        """The card of a customer of that portfolio."""
        return _card(request, portfolio, customer_id)


def _card(request: Request[Any, Any, Any], name: str, customer_id: str) -> Response[Any]:
    """As HTML, or as JSON for who accepts that alone."""
    page = page_of(request)
    month = page.bundles.month(name)
    view = view_customer(month, customer_id, page.store.outcomes(name, customer_id))
    note_look(request, "card", name, customer_id)
    if not wants_json(request):
        response = html(request, "card.html", month=month, view=view)
        response.headers[POLICY] = frame_policy(page.settings)
        return response
    told = {
        "customer_id": customer_id,
        "portfolio": name,
        "month": month.manifest.month,
        "model_version": month.manifest.scored_by,
        "advice": view.advice,
        "say": page.text(f"say.{view.advice}"),
        "offer": view.offer.name if view.offer else None,
        "channel": view.offer.channel if view.offer else None,
        "reasons": [],
    }
    # As on the page: of who is not at risk nothing is told that an agent might act on.
    if not view.is_lowest:
        told |= {
            "risk_tier": view.row["risk_tier"],
            "churn_probability": view.row["churn_probability"],
            "reasons": view.row["reasons"] or [],
        }
    return Response(told, media_type=MediaType.JSON)
