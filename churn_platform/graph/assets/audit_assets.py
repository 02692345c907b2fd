"""The audit trail as an asset, so that compliance finds it where everything else is."""

from collections.abc import Sequence

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from churn_platform.audit.record_tables import as_markdown
from churn_platform.audit.shared_trail import copy_here
from churn_platform.audit.trail_file import read_records
from churn_platform.audit.verify import Verification, verify
from churn_platform.errors import AuditError
from churn_platform.graph.partitions import PLATFORM
from churn_platform.graph.resources.audit_trail import dagster_anchors
from churn_platform.settings import Settings

CHECK = "chain_is_intact"
SHOWN = 50


def audit_assets(portfolios: Sequence[str], settings: Settings) -> list[AssetsDefinition]:
    """The asset that shows the newest records, and checks all of them."""
    key = AssetKey([PLATFORM, "audit_trail"])
    check = AssetCheckSpec(
        CHECK,
        asset=key,
        description="No record was changed, removed or put elsewhere.",
    )

    @asset(
        key=key,
        group_name=PLATFORM,
        kinds={"json"},
        check_specs=[check],
        description=(
            f"The last {SHOWN} decisions on record: who did what to what, and when. "
            "`churn audit show` has all of them, with their reasons."
        ),
    )
    def audit_trail(context: AssetExecutionContext) -> MaterializeResult:
        anchors = dagster_anchors(context.instance, list(portfolios))
        if store := settings.shared("audit"):
            copy_here(store, settings.audit_path)

        verified = verify(settings.audit_path, anchors)
        try:
            shown = as_markdown(read_records(settings.audit_path), newest=SHOWN)
        except AuditError as error:
            # A line that holds no record is what the check is for; it must not fail before.
            shown = str(error)

        return MaterializeResult(
            metadata={
                "records": verified.records,
                "head": f"{verified.records}:{verified.head}",
                "newest": MetadataValue.md(shown),
            },
            check_results=[_checked(verified, anchors=len(anchors))],
        )

    return [audit_trail]


def _checked(verified: Verification, *, anchors: int) -> AssetCheckResult:
    problems = []
    for finding in verified.findings:
        problems.append(f"line {finding.line or 'after the last'}: {finding.problem}")

    intact = f"{verified.records} records, {anchors} heads that Dagster noted: intact"
    return AssetCheckResult(
        check_name=CHECK,
        passed=not problems,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(problems) or intact,
        metadata={"records": verified.records, "findings": len(problems), "anchors": anchors},
    )
