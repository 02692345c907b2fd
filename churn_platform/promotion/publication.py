"""Makes the champion live: bundle, audit record, live file, in this order, for runs and commands
alike.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn_platform.audit.anchors import note_head
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.trail import last_features_publication, last_model_publication
from churn_platform.bundles.model_bundle import publish_model, read_bundle
from churn_platform.bundles.shared_portfolio import shared_portfolio
from churn_platform.errors import PublicationError
from churn_platform.portfolios.spec import Portfolio
from churn_platform.promotion.champion import changing
from churn_platform.published.format import (
    MANIFEST_FILE,
    MODEL_FILE,
    FeaturesManifest,
    ModelManifest,
    model_dir,
)
from churn_platform.published.live_file import Live, go_live, read_live
from churn_platform.published.regular_files import file_sha256
from churn_platform.published.shared import SharedPortfolio
from churn_platform.settings import Settings
from churn_platform.training.artifacts import find_card
from churn_platform.training.model_registry import CHAMPION, champion_version, version_of
from churn_platform.training.versions import load_version
from churn_platform.warehouse.lake import Lake, connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARITY_ROWS = 20_000


@dataclass(frozen=True)
class Publisher:
    """What it takes to publish a portfolio's models: registry, trail, published folder, the lake,
    and by what other hosts get it, if there are any.
    """

    client: "MlflowClient"
    audit: AuditLog
    portfolio: Portfolio
    root: Path
    lake: Lake
    shared: SharedPortfolio | None = None

    @staticmethod
    def of(
        settings: Settings, portfolio: Portfolio, *, client: "MlflowClient", audit: AuditLog
    ) -> "Publisher":
        """The publisher of an installation; who asks for what, and as whom, is the caller's."""
        return Publisher(
            client=client,
            audit=audit,
            portfolio=portfolio,
            root=settings.published_dir / portfolio.name,
            lake=Lake.of(settings),
            shared=shared_portfolio(settings, portfolio.name),
        )

    def live(self) -> Live | None:
        """What is live, whichever host named it; None before the first publication."""
        if self.shared is not None:
            self.shared.pull()
        return read_live(self.root)


@dataclass(frozen=True)
class Bundle:
    """A version's files, ready to go live; `parity_difference` is None if they had been there
    before.
    """

    manifest: ModelManifest
    sha256: str
    parity_difference: float | None


def publish_champion(publisher: Publisher, *, reason: str) -> Bundle:
    """Export the champion again and make it live; PublicationError, and nothing live changes, where
    that fails.
    """
    bundle = write_bundle(publisher, champion_version(publisher.client, publisher.portfolio.name))
    with changing(publisher.client, publisher.audit, publisher.portfolio.name):
        make_live(publisher, bundle, reason=reason)
    return bundle


def ready_bundle(publisher: Publisher, version: int) -> Bundle:
    """The bundle of a version as it was published before; exported again where it is missing or was
    changed.
    """
    try:
        manifest = read_bundle(publisher.root, version)
    except PublicationError:
        return write_bundle(publisher, version)
    return Bundle(manifest, file_sha256(model_dir(publisher.root, version) / MANIFEST_FILE), None)


def write_bundle(publisher: Publisher, version: int) -> Bundle:
    """Export a version and check it on its own hold-out."""
    client, portfolio = publisher.client, publisher.portfolio
    loaded = load_version(client, portfolio, version)
    with closing(connect(publisher.lake, read_only=True)) as connection:
        # Parity is proved on real customers: random numbers rarely fall next to split points.
        sample = loaded.holdout(connection).features[:PARITY_ROWS]

    card = find_card(client, portfolio.name, version, ending="html")
    difference = publish_model(
        publisher.root,
        version,
        loaded.model,
        loaded.record,
        sample,
        card=card,
        id_column=portfolio.id_column,
        unused_columns=portfolio.unused_columns,
    )
    if publisher.shared is not None:
        publisher.shared.wrote(model_dir(publisher.root, version))
    manifest_sha256 = file_sha256(model_dir(publisher.root, version) / MANIFEST_FILE)
    return Bundle(read_bundle(publisher.root, version), manifest_sha256, difference)


def make_live(publisher: Publisher, bundle: Bundle, *, reason: str) -> None:
    """Record the publication and name the bundle live; to be called inside `changing`.

    PublicationError if another version has become champion since the bundle was made.
    """
    version = bundle.manifest.version
    name = publisher.portfolio.name
    serving = version_of(publisher.client, name, CHAMPION)
    if serving != version:
        raise PublicationError(
            f"version {version} of {name} is champion no more, version {serving} is; "
            "what is live stays"
        )

    # On record before live.json changes: the trail may announce what did not happen, never the
    # reverse.
    _record_publication(publisher, bundle, reason)
    live = publisher.live()
    fresh = None if live and live.champion == version else version
    # With a store also where the version is live: its bundle may have been exported again.
    if fresh or publisher.shared:
        go_live(publisher.root, name, champion=fresh, shared=publisher.shared)


def _record_publication(publisher: Publisher, bundle: Bundle, reason: str) -> None:
    """On record once per bundle that goes live: the same files again are no new fact."""
    manifest, name = bundle.manifest, publisher.portfolio.name
    audit = publisher.audit
    last = last_model_publication(audit.records(), name)
    if last and (last.version, last.details["bundle_sha256"]) == (manifest.version, bundle.sha256):
        return

    about: dict[str, Any] = {"portfolio": name, "subject": f"version {manifest.version}"}
    if last and last.details["threshold"] != manifest.threshold:
        audit.append(
            "threshold_change",
            reason=f"the operating threshold comes with version {manifest.version}",
            details={"before": last.details["threshold"], "after": manifest.threshold},
            **about,
        )

    details = {
        "bundle_sha256": bundle.sha256,
        "model_sha256": manifest.sha256[MODEL_FILE],
        "threshold": manifest.threshold,
        "mlflow_run_id": manifest.mlflow_run_id,
        "data_snapshot": manifest.data_snapshot,
        "code_version": manifest.code_version,
    }
    record = audit.append(
        "publication",
        reason=reason,
        details=details,
        **about,
    )
    note_head(publisher.client, record)


def record_features(audit: AuditLog, manifest: FeaturesManifest) -> None:
    """Put the publication of a month's features on record; the same files again are no new fact."""
    details = {
        "customers": manifest.customers,
        "scored_by": manifest.scored_by,
        "sha256": manifest.sha256,
    }
    last = last_features_publication(audit.records(), manifest.portfolio, manifest.month)
    if last and last.details == details:
        return

    audit.append(
        "publication",
        portfolio=manifest.portfolio,
        subject=f"month {manifest.month}",
        reason=f"scored by version {manifest.scored_by}",
        details=details,
    )
