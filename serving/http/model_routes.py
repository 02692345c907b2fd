"""Routes about models: what is live, their cards, and the newest drift report."""

import asyncio
import contextlib
import errno
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get

from churn_platform.published.format import CARD_FILE, ModelManifest, model_dir, read_model_manifest
from serving.answer.answers import about
from serving.errors import NotFound
from serving.http.routes import Asking, both, named, needs, plane_of, portfolio_of
from serving.loading.bundles import UNREADABLE, Model
from serving.registry import ServedPortfolio
from serving.security.api_keys import SCORE

ABSENT = (errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG)
LIVE, PREVIOUS, RETIRED = "live", "previous", "retired"
FRAMED = {
    "content-security-policy": (
        "sandbox allow-scripts; default-src 'unsafe-inline' 'unsafe-eval' data: blob:"
    )
}


class RecordedPrediction(msgspec.Struct, kw_only=True):
    """A customer, who is no one, with the probability that was recorded at publication."""

    features: Annotated[dict[str, Any], about("Features by name, as `POST /predict` takes them.")]
    churn_probability: Annotated[float, about("What the model must give.", ge=0, le=1)]


class ModelView(msgspec.Struct, kw_only=True):
    """A published model: its role now, where it comes from and how good it was on the hold-out."""

    version: Annotated[int, about("Version of the model.")]
    role: Annotated[
        str,
        about("`champion`, `challenger`, `shadow`, `previous` (the champion before) or `retired`."),
    ]
    weight: Annotated[float, about("Share of the traffic that it answers.", ge=0, le=1)]
    algorithm: Annotated[str, about("How it was trained.")]
    threshold: Annotated[
        float, about("`churn_prediction` is true from this probability on.", ge=0, le=1)
    ]
    base_rate: Annotated[float, about("Share of customers that left, on the hold-out.", ge=0, le=1)]
    metrics: Annotated[dict[str, float], about("Figures on the hold-out by name.")]
    training_months: Annotated[tuple[str, ...], about("Months that it learned from.")]
    holdout_month: Annotated[str, about("Month on which it was judged.")]
    data_snapshot: Annotated[int, about("Snapshot of the warehouse that it was trained on.")]
    mlflow_run_id: Annotated[str, about("Its run in MLflow.")]
    code_version: Annotated[str, about("Version of the platform that trained it.")]
    card: Annotated[str | None, about("Path of its model card; null without one.")]
    recorded_prediction: Annotated[
        RecordedPrediction | None,
        about(
            "To check a deployment with; null for a version that is not loaded, or whose customer "
            "no request may describe."
        ),
    ]


class ModelsView(msgspec.Struct, kw_only=True):
    """Every published model of a portfolio, and the month of features that is looked up."""

    portfolio: Annotated[str, about("The portfolio.")]
    features_month: Annotated[str | None, about("Month of the features that are looked up.")]
    scored_by: Annotated[int | None, about("Version whose scores are stored beside them.")]
    refused: Annotated[str | None, about("Why the newest bundle was refused; null where none was.")]
    models: Annotated[list[ModelView], about("Newest first.")]


class ModelsController(Controller):
    """Models and reports."""

    tags = ("models",)

    @get(both("/models"), operation_id=named("list_models"), opt=needs(SCORE))
    async def models(self, request: Asking) -> ModelsView:
        """The champion, challengers, the champion before, and those retired, newest first."""
        plane = plane_of(request)
        found = plane.registry.get(portfolio_of(request))
        return await asyncio.to_thread(_models, found, plane.registry.refusals.get(found.name))

    @get(
        both("/models/{version:int}/card"),
        operation_id=named("get_model_card"),
        media_type="text/html",
        opt=needs(SCORE),
    )
    async def card(self, version: int, request: Asking) -> Response[bytes]:
        """The model card of a version."""
        found = plane_of(request).registry.get(portfolio_of(request))
        card = model_dir(found.root, version) / CARD_FILE
        return await asyncio.to_thread(
            _page,
            card,
            f"{found.name} has no card of version {version}",
        )

    @get(
        both("/view_report"),
        operation_id=named("get_drift_report"),
        media_type="text/html",
        opt=needs(SCORE),
    )
    async def report(self, request: Asking) -> Response[bytes]:
        """The newest drift report."""
        found = plane_of(request).registry.get(portfolio_of(request))
        return await asyncio.to_thread(_newest_report, found)


def _models(portfolio: ServedPortfolio, refused: str | None) -> ModelsView:
    return ModelsView(
        portfolio=portfolio.name,
        features_month=portfolio.features_month,
        scored_by=portfolio.scored_by,
        refused=refused,
        models=[_view(portfolio, manifest) for manifest in _published(portfolio)],
    )


def _newest_report(portfolio: ServedPortfolio) -> Response[bytes]:
    reports = sorted((portfolio.root / "reports").glob("*/*.html"), key=_age)
    missing = (
        f"{portfolio.name} has no drift report yet; the platform's monitoring writes one per month"
    )
    return _page(reports[-1] if reports else portfolio.root / "reports", missing)


def _age(report: Path) -> tuple[str, float]:
    return report.parent.name, report.stat().st_mtime


def _published(portfolio: ServedPortfolio) -> list[ModelManifest]:
    """Of the models in memory and of those on disk, as far as they can be read."""
    # What cannot be read could not go live either.
    found = {version: model.manifest for version, model in portfolio.models.items()}
    for folder in portfolio.root.glob("models/*"):
        if not folder.name.isdecimal() or int(folder.name) in found:
            continue
        version = int(folder.name)
        # A broken old bundle must not hide the list of the others.
        with contextlib.suppress(*UNREADABLE):
            found[version] = read_model_manifest(model_dir(portfolio.root, version))

    return [found[version] for version in sorted(found, reverse=True)]


def _view(portfolio: ServedPortfolio, manifest: ModelManifest) -> ModelView:
    shares = {share.model.version: share for share in portfolio.traffic.all}
    share = shares.get(manifest.version)
    former = PREVIOUS if manifest.version == portfolio.live.previous else RETIRED
    has_card = (model_dir(portfolio.root, manifest.version) / CARD_FILE).is_file()

    kept: dict[str, Any] = {}
    for name in ModelView.__struct_fields__:
        if name not in ("role", "weight", "card", "recorded_prediction"):
            kept[name] = getattr(manifest, name)

    return ModelView(
        role=share.role if share else former,
        weight=share.weight if share else 0.0,
        card=f"/{portfolio.name}/models/{manifest.version}/card" if has_card else None,
        recorded_prediction=_recorded(portfolio.models.get(manifest.version)),
        **kept,
    )


def _recorded(model: Model | None) -> RecordedPrediction | None:
    features = model.recorded_features() if model else None
    if model is None or features is None:
        return None
    probability = model.manifest.smoke.churn_probability
    return RecordedPrediction(features=features, churn_probability=probability)


def _page(path: Path, missing: str) -> Response[bytes]:
    """A page of the platform's, shut off from the service's own origin; NotFound where there is
    none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        raise NotFound(missing) from error

    return Response(content, media_type="text/html", headers=FRAMED)
