"""The Dagster resource through which assets write the audit trail, and the heads that
materializations note.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dagster import AssetKey, ConfigurableResource, DagsterInstance

from churn_platform.audit.actor import user_name
from churn_platform.audit.anchors import HEAD, head_text, read_anchor
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.verify import Anchor
from churn_platform.settings import load_settings
from churn_platform.storage.opening import open_part

ANCHORING_ASSETS = ("champion", "published_model", "published_features")
# The newest are enough: each head covers all records before it.
NEWEST = 200


class AuditTrail(ConfigurableResource):
    """Where the trail is: the file of this host, and the store that hosts share, if they do."""

    path: str
    store: str = ""

    def log(self, run_id: str) -> AuditLog:
        """The trail as a run writes it: under the user and the run's id, dated by the clock."""
        store = None
        if self.store:
            # Credentials are asked for here: what a resource is given stands in Dagster's UI.
            options = load_settings().store_options
            store = open_part(self.store, "audit", options=options, setting="CHURN_STORE")

        by = f"{user_name()} in run {run_id}"
        return AuditLog(Path(self.path), by, lambda: datetime.now(UTC), store)


def head_metadata(log: AuditLog) -> dict[str, Any]:
    """The head of the trail as metadata of a materialization, which anchors it outside its file;
    none while empty.
    """
    records = log.records()
    # A head in Dagster's own store: who rewrites the trail would have to rewrite that as well.
    return {HEAD: head_text(records[-1])} if records else {}


def dagster_anchors(instance: DagsterInstance, portfolios: list[str]) -> list[Anchor]:
    """The heads in the newest materializations of each portfolio's assets that note one."""
    anchors = []
    for portfolio in portfolios:
        for asset in ANCHORING_ASSETS:
            anchors += _noted(instance, AssetKey([portfolio, asset]))

    return anchors


def _noted(instance: DagsterInstance, key: AssetKey) -> list[Anchor]:
    found = []
    for record in instance.fetch_materializations(key, limit=NEWEST).records:
        materialization = record.asset_materialization
        if materialization and HEAD in materialization.metadata:
            where = f"the materialization of {key.to_user_string()} in run {record.run_id}"
            found.append(read_anchor(where, str(materialization.metadata[HEAD].value)))

    return found
