"""The agent's page: find a customer, say one thing, try a change, record the answer."""

import secrets
from datetime import UTC, date, datetime
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect

from churn_platform.published.outcome_log import ANSWERS, NOT_OFFERED, Outcome
from churn_platform.published.page_bundle import Fact
from serving.errors import NotFound, NotReady
from serving.page import scoring_client
from serving.page.access_log import Access, note_access, utc_text
from serving.page.chart import score_chart
from serving.page.context import Page
from serving.page.customers import CustomerView, find_by_phone, view_customer
from serving.page.gate import needs, page_of, session_of
from serving.page.html import html
from serving.page.outcomes import now_us

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
TEXT_CHARACTERS_MAX = 300
NO_CHANNEL = "phone"


class CustomerController(Controller):
    """One customer at a time."""

    path = "/{portfolio:str}/customers"

    @get("/", opt=needs("customer.view"), sync_to_thread=True)
    def search(self, request: Request[Any, Any, Any], portfolio: str) -> Response[str]:
        """The form to find a customer."""
        month = page_of(request).bundles.month(portfolio)
        return html(request, "search.html", month=month, missing="", by_phone=False)

    @post("/", opt=needs("customer.view"), sync_to_thread=True)
    def find(self, request: Request[Any, Any, Any], portfolio: str, data: Form) -> Response[Any]:
        """To the customer of that id or number. It is sent as a form: no address, and so no log of
        a proxy, has a phone number.
        """
        page = page_of(request)
        month = page.bundles.month(portfolio)
        wanted = data.get("wanted", "").strip()[:200]
        by_phone = data.get("by") == "phone"
        if by_phone:
            found = find_by_phone(month, wanted, page.phone_key) if page.phone_key else None
        else:
            # As it is written, then in capitals: who types while listening does not mind the case.
            known = (each for each in (wanted, wanted.upper()) if month.customer(each))
            found = next(known, None)
        if found is None:
            return html(
                request,
                "search.html",
                status=404,
                month=month,
                missing="" if by_phone else wanted,
                by_phone=by_phone,
            )
        return Redirect(customer_path(portfolio, found), status_code=303)

    @get("/{customer_id:str}", opt=needs("customer.view"), sync_to_thread=True)
    def show(
        self, request: Request[Any, Any, Any], portfolio: str, customer_id: str
    ) -> Response[str]:
        """The customer: what to say, why, the facts, what was said before, and the form."""
        note_look(request, "view", portfolio, customer_id)
        return _customer_page(request, portfolio, customer_id)

    @post("/{customer_id:str}/what-if", opt=needs("customer.view"), sync_to_thread=True)
    def what_if(
        self, request: Request[Any, Any, Any], portfolio: str, customer_id: str, data: Form
    ) -> Response[str]:
        """What other values of what an agent can change would do to the risk."""
        page = page_of(request)
        month = page.bundles.month(portfolio)
        view = view_customer(month, customer_id, page.store.outcomes(portfolio, customer_id))
        note_look(request, "what-if", portfolio, customer_id)
        changes = {
            fact.name: data[fact.name].strip()
            for fact, value in view.facts
            if fact.is_lever and data.get(fact.name, "").strip() not in ("", _as_sent(fact, value))
        }
        tried, refused = _try_changes(page, portfolio, customer_id, changes)
        if request.headers.get("hx-request"):
            return html(request, "what_if.html", tried=tried, refused=refused, whole=False)
        return _customer_page(request, portfolio, customer_id, tried=tried, refused=refused)

    @post("/{customer_id:str}/outcomes", opt=needs("outcome.record"), sync_to_thread=True)
    def record(
        self, request: Request[Any, Any, Any], portfolio: str, customer_id: str, data: Form
    ) -> Response[Any]:
        """Record what came of the call; it is on disk before this answers."""
        page = page_of(request)
        month = page.bundles.month(portfolio)
        view = view_customer(month, customer_id, page.store.outcomes(portfolio, customer_id))
        outcome, problem = read_outcome(data, view, portfolio, session_of(request).user)
        if outcome is None:
            return _customer_page(request, portfolio, customer_id, problem=problem, status=422)
        note_look(request, "record", portfolio, customer_id)
        page.log.record(outcome)
        return Redirect(f"{customer_path(portfolio, customer_id)}?recorded=1", status_code=303)


def read_outcome(
    data: dict[str, str], view: CustomerView, portfolio: str, agent: str
) -> tuple[Outcome | None, str]:
    """The outcome in a form; None, and the key of a text that says what is wrong with it."""
    answer = data.get("answer", "")
    call_back_on = data.get("call_back_on", "").strip() or None
    outcome_id = data.get("outcome_id", "")
    if answer not in ANSWERS:
        return None, "outcome.no_answer"
    # An offer is recorded of those only who may get one: control would be none otherwise.
    if answer != NOT_OFFERED and view.offer is None:
        return None, "outcome.no_offer"
    if call_back_on and not _is_day(call_back_on):
        return None, "outcome.no_day"
    if not 16 <= len(outcome_id) <= 64 or not outcome_id.isalnum():
        return None, "outcome.too_old"
    offer = view.offer if answer != NOT_OFFERED else None
    outcome = Outcome(
        outcome_id=outcome_id,
        portfolio=portfolio,
        customer_id=view.customer_id,
        agent=agent,
        at_us=now_us(),
        channel=offer.channel if offer else NO_CHANNEL,
        offer=offer.name if offer else "",
        answer=answer,
        reason=data.get("reason", "").strip()[:TEXT_CHARACTERS_MAX],
        call_back_on=call_back_on,
        do_not_contact=data.get("do_not_contact") == "yes",
    )
    return outcome, ""


def note_look(
    request: Request[Any, Any, Any], action: str, portfolio: str, customer_id: str
) -> None:
    """Into the access log, before anything is shown."""
    page = page_of(request)
    access = Access(
        at=utc_text(datetime.now(UTC)),
        user=session_of(request).user,
        action=action,
        portfolio=portfolio,
        customer_id=customer_id,
    )
    note_access(page.settings.access_dir, access)


def customer_path(portfolio: str, customer_id: str) -> str:
    """The address of a customer's page."""
    from urllib.parse import quote

    return f"/{quote(portfolio, safe='')}/customers/{quote(customer_id, safe='')}"


def _customer_page(
    request: Request[Any, Any, Any],
    portfolio: str,
    customer_id: str,
    *,
    status: int = 200,
    problem: str = "",
    tried: list[dict[str, Any]] | None = None,
    refused: str = "",
) -> Response[str]:
    page = page_of(request)
    month = page.bundles.month(portfolio)
    try:
        view = view_customer(month, customer_id, page.store.outcomes(portfolio, customer_id))
    except NotFound:
        return html(
            request, "search.html", status=404, month=month, missing=customer_id, by_phone=False
        )
    return html(
        request,
        "customer.html",
        status=status,
        month=month,
        view=view,
        chart=score_chart(view.history, page.text("customer.chart")),
        outcome_id=secrets.token_hex(16),
        answers=ANSWERS if view.offer else (NOT_OFFERED,),
        problem=problem,
        recorded=request.query_params.get("recorded") == "1",
        tried=tried,
        refused=refused,
        warning=page.bundles.refusal(portfolio),
        as_sent=_as_sent,
    )


def _try_changes(
    page: Page, portfolio: str, customer_id: str, changes: dict[str, str]
) -> tuple[list[dict[str, Any]], str]:
    if not changes:
        return [], page.text("what_if.nothing")
    settings = page.settings
    try:
        answer = scoring_client.what_if(
            settings.service_url, settings.service_key, portfolio, customer_id, changes
        )
    except scoring_client.Refused as error:
        return [], str(error)
    except NotReady:
        return [], page.text("what_if.unreachable")
    now = answer["score"]["churn_probability"]
    return [
        {
            "change": change["changes"],
            "before": now,
            "after": change["churn_probability"],
            "tier": change.get("risk_tier", ""),
        }
        for change in answer["what_if"]
    ], ""


def _as_sent(fact: Fact, value: Any) -> str:
    """A value as a form sends it."""
    if value is None:
        return ""
    if fact.type == "boolean":
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-01-31")
