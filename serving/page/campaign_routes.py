"""The campaign's page: the list, what it should bring, what another plan would, the hand-over."""

import json
import time
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException
from litestar.params import Body
from litestar.response import Redirect

from churn_platform.published.page_bundle import LIST_HELD, LIST_WAITING
from serving.page.bundle import Month
from serving.page.campaign import (
    PAGE_ROWS,
    SORTS,
    Filter,
    as_csv,
    count_customers,
    filter_of,
    lift_by_decile,
    masked_id,
    read_customers,
)
from serving.page.gate import needs, page_of, session_of
from serving.page.html import html
from serving.page.planner import Plan, plan
from serving.page.platform_commands import approve_list, hand_over_kind
from serving.page.roles import may
from serving.page.scenario_form import campaign_scenario, control_percent, read_scenario

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class CampaignController(Controller):
    """The month's list."""

    path = "/{portfolio:str}/campaign"

    @get("/", opt=needs("campaign.view"), sync_to_thread=True)
    def show(self, request: Request[Any, Any, Any], portfolio: str) -> Response[str]:
        """Everything of the campaign; only the rows where htmx asks for them."""
        page = page_of(request)
        month = page.bundles.month(portfolio)
        wanted = filter_of(request.query_params)
        sees_ids = may(session_of(request).roles, "campaign.ids")
        rows = read_customers(month, wanted)
        if not sees_ids:
            rows = [row | {"customer_id": masked_id(row["customer_id"])} for row in rows]
        values: dict[str, Any] = {
            "month": month,
            "wanted": wanted,
            "rows": rows,
            "found": count_customers(month, wanted),
            "page_rows": PAGE_ROWS,
            "sorts": list(SORTS),
            "sees_ids": sees_ids,
        }
        if request.headers.get("hx-request"):
            return html(request, "list_rows.html", **values)
        made = base_plan(month)
        return html(
            request,
            "campaign.html",
            **values,
            newly=month.kept("newly", lambda: count_customers(month, Filter(newly=True))),
            plan=made,
            scenario=campaign_scenario(month.manifest),
            control_percent=control_percent(campaign_scenario(month.manifest)),
            charts=charts_of(month, made),
            list_waits=month.manifest.campaign.list_state == LIST_WAITING,
            list_is_held=month.manifest.campaign.list_state == LIST_HELD,
            approvals=page.store.requests(hand_over_kind(portfolio)),
            warning=page.bundles.refusal(portfolio),
        )

    @get("/list.csv", opt=needs("campaign.ids"), sync_to_thread=True)
    def download(self, request: Request[Any, Any, Any], portfolio: str) -> Response[str]:
        """The customers who fit the filter, as CSV."""
        month = page_of(request).bundles.month(portfolio)
        rows = read_customers(month, filter_of(request.query_params), every=True)
        name = f"{portfolio}-{month.manifest.month}.csv"
        return Response(
            as_csv(rows),
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @post("/plan", opt=needs("campaign.view"), sync_to_thread=True, status_code=200)
    def try_plan(
        self, request: Request[Any, Any, Any], portfolio: str, data: Form
    ) -> Response[str]:
        """What the scenario in the form would bring."""
        month = page_of(request).bundles.month(portfolio)
        made = plan(month, read_scenario(month.manifest, data))
        return html(
            request,
            "plan_inner.html",
            month=month,
            plan=made,
            charts={"profit": profit_chart(made)},
        )

    @post("/approve", opt=needs("campaign.approve"), sync_to_thread=True)
    def approve(self, request: Request[Any, Any, Any], portfolio: str, data: Form) -> Response[Any]:
        """Approve the month's list and hand it over, with a reason, on record. A list that waits
        for approval is handed over by the platform.
        """
        page, session = page_of(request), session_of(request)
        month = page.bundles.month(portfolio)
        reason = data.get("reason", "").strip()[:300]
        if not reason:
            raise ClientException("say why, in a few words")
        campaign = month.manifest.campaign
        if campaign.list_state == LIST_HELD:
            raise ClientException(f"the list is {campaign.list_words}")
        if campaign.list_state == LIST_WAITING:
            approve_list(page, portfolio, month.manifest.month, reason, session.user)
            return Redirect(f"/{portfolio}/campaign#approval", status_code=303)
        wanted = filter_of({"decision": "contact"})
        content = as_csv(read_customers(month, wanted, every=True))
        path = page.keep_handed_over(portfolio, month.manifest.month, content)
        request_id = page.store.note_request(
            user=session.user,
            kind=hand_over_kind(portfolio),
            subject=month.manifest.month,
            reason=reason,
            now=time.time(),
        )
        page.store.settle_request(request_id, state="handed over", told=path.name)
        return Redirect(f"/{portfolio}/campaign#approval", status_code=303)


def base_plan(month: Month) -> Plan:
    """The campaign as it is, as a scenario."""
    return month.kept("plan", lambda: plan(month, campaign_scenario(month.manifest)))


def charts_of(month: Month, made: Plan) -> dict[str, str]:
    """What the charts show, as JSON in an attribute: no script stands in the page."""
    lift = month.kept("lift", lambda: lift_by_decile(month))
    return {
        "profit": profit_chart(made),
        "lift": json.dumps(
            {
                "kind": "bar",
                "x": [str(row["decile"]) for row in lift],
                "y": [round(row["lift"], 3) for row in lift],
                "name": "lift",
            }
        ),
    }


def profit_chart(made: Plan) -> str:
    """Expected profit by budget."""
    return json.dumps(
        {
            "kind": "line",
            "points": [[round(cost), round(profit)] for cost, profit in made.curve],
            "name": "EUR",
        }
    )
