"""The page of the owners of models, and the access log."""

import json
from pathlib import Path
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.exceptions import ClientException
from litestar.params import Body
from litestar.response import Redirect

from churn_platform.published.format import CARD_FILE, model_dir, read_model_manifest
from churn_platform.published.page_bundle import Rows
from serving.errors import NotFound
from serving.page.access_log import newest_accesses
from serving.page.campaign import masked_id
from serving.page.gate import needs, page_of, session_of
from serving.page.html import html
from serving.page.platform_commands import decide, version_kind

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]
CARD_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
"""A card is a page of its own with its style in it; it may load and run nothing."""
ACCESSES = 200
DECISIONS = ("approve", "refuse")


class ModelController(Controller):
    """How good is the model, and who decided what?"""

    path = "/{portfolio:str}/model"

    @get("/", opt=needs("model.view"), sync_to_thread=True)
    def show(self, request: Request[Any, Any, Any], portfolio: str) -> Response[str]:
        """The champion, its history, and months of monitoring."""
        page = page_of(request)
        month = page.bundles.month(portfolio)
        root = month.folder.parent.parent
        manifest = read_model_manifest(model_dir(root, month.manifest.scored_by))
        return html(
            request,
            "model.html",
            month=month,
            tables=month.tables,
            # Months from before there were experiments have no such table.
            experiments=month.tables.get("experiments", []),
            manifest=manifest,
            has_card=(model_dir(root, manifest.version) / CARD_FILE).is_file(),
            charts=charts_of(month.tables),
            decisions=page.store.requests(version_kind(portfolio)),
            warning=page.bundles.refusal(portfolio),
        )

    @get("/card/{version:int}", opt=needs("model.view"), sync_to_thread=True)
    def card(
        self, request: Request[Any, Any, Any], portfolio: str, version: int
    ) -> Response[bytes]:
        """The model card of a published version."""
        month = page_of(request).bundles.month(portfolio)
        path: Path = model_dir(month.folder.parent.parent, version) / CARD_FILE
        if not path.is_file():
            raise NotFound(f"version {version} has no card here")
        return Response(
            path.read_bytes(),
            media_type=MediaType.HTML,
            headers={"content-security-policy": CARD_POLICY},
        )

    @post("/decide", opt=needs("model.decide"), sync_to_thread=True)
    def decide(self, request: Request[Any, Any, Any], portfolio: str, data: Form) -> Response[Any]:
        """Approve or refuse the version that waits, by the platform's own command."""
        page = page_of(request)
        month = page.bundles.month(portfolio)
        waiting = {str(row["challenger_version"]) for row in month.tables["waiting"]}
        version, reason = data.get("version", ""), data.get("reason", "").strip()[:300]
        if version not in waiting or data.get("decision") not in DECISIONS:
            raise ClientException(f"version {version[:20]} does not wait for a decision")
        if not reason:
            raise ClientException("say why, in a few words, without personal data")
        user = session_of(request).user
        decide(page, portfolio, int(version), data["decision"], reason, user)
        return Redirect(f"/{portfolio}/model#waiting", status_code=303)


class AccessController(Controller):
    """Who looked at whom."""

    @get("/access", opt=needs("access.view"), sync_to_thread=True)
    def show(self, request: Request[Any, Any, Any]) -> Response[str]:
        """The newest looks, with masked ids: who must know more reads the file."""
        page = page_of(request)
        found = newest_accesses(page.settings.access_dir, count=ACCESSES)
        rows = [(access, masked_id(access.customer_id)) for access in found]
        return html(request, "access.html", rows=rows)


def charts_of(tables: dict[str, Rows]) -> dict[str, str]:
    """What the charts show, as JSON in attributes."""
    measured = [row for row in tables["model_performance"] if row["segment"] == "all"]
    drifted: dict[str, float] = {}
    for row in tables["feature_drift"]:
        drifted[row["month"]] = max(drifted.get(row["month"], 0.0), row["psi"] or 0.0)
    importance = sorted(tables["explanations"], key=lambda row: row["rank"])[:12][::-1]
    return {
        "performance": _lines(
            [row["month"] for row in measured],
            {
                "AUC": [row["auc"] for row in measured],
                "AUC promised": [row["promised_auc"] for row in measured],
                "recall": [row["recall"] for row in measured],
            },
        ),
        "drift": _lines(list(drifted), {"largest PSI": list(drifted.values())}),
        "scores": _lines(
            [row["month"] for row in tables["months"]],
            {"mean score": [row["score_mean"] for row in tables["months"]]},
        ),
        "importance": _bars(importance),
    }


def _bars(importance: Rows) -> str:
    if not importance:
        return ""
    return json.dumps(
        {
            "kind": "across",
            "x": [row["feature"] for row in importance],
            "y": [round(row["share"] or 0.0, 4) for row in importance],
            "name": "share",
        }
    )


def _lines(months: list[str], series: dict[str, list[float | None]]) -> str:
    """Empty without months: a chart without a point says nothing."""
    if not months:
        return ""
    rounded = {
        name: [None if value is None else round(value, 4) for value in values]
        for name, values in series.items()
    }
    return json.dumps({"kind": "lines", "x": months, "series": rounded})
