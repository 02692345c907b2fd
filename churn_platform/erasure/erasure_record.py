"""What an erasure leaves behind: a record in the audit trail, and what the command prints."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from churn_platform.audit.anchors import note_head
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.audit_record import Record
from churn_platform.audit.trail import select
from churn_platform.erasure.erase import Erasure

if TYPE_CHECKING:
    from mlflow import MlflowClient


def record_erasure(log: AuditLog, client: "MlflowClient", erasure: Erasure, *, reason: str) -> None:
    """Add the erasure to the audit trail: under the customer's pseudonym, with counts, never with
    the id.

    Where an attempt at the same erasure was killed after its record, that one counts: the trail
    tells of it once.
    """
    record = _recorded_before(log, erasure) or log.append(
        "erasure",
        portfolio=erasure.plan.portfolio.name,
        subject=f"customer {erasure.plan.pseudonym}",
        reason=reason,
        details=_details(erasure),
    )
    note_head(client, record)


def _recorded_before(log: AuditLog, erasure: Erasure) -> Record | None:
    request_id = erasure.plan.subject.request_id
    told = select(log.records(), portfolio=erasure.plan.portfolio.name, action="erasure")
    return next((record for record in told if record.details.get("request_id") == request_id), None)


def _details(erasure: Erasure) -> dict[str, Any]:
    return {
        "rows": erasure.plan.subject.found,
        "expired_snapshots": ranges(erasure.purged.snapshots),
        "removed_lake_files": erasure.purged.files,
        "republished_months": erasure.months,
        "rewritten_overlays": len(erasure.overlays),
        "exported_again": erasure.exports,
        "changed_logs": len(erasure.logs),
        "landed_files": len(erasure.deliveries),
        "searched_files": erasure.searched,
        # Always 0: the record is only written once the search has found nothing.
        "found_afterwards": 0,
        "request_id": erasure.plan.subject.request_id,
    }


def as_text(erasure: Erasure, *, rewritten: bool) -> str:
    """The erasure as the command prints it."""
    rows = sum(erasure.plan.subject.found.values())
    purged = erasure.purged
    landed = [f"  {path}" for path in erasure.deliveries]
    kept = (
        "rewritten"
        if rewritten
        else "still hold erased customers, in clear (--landing rewrites them)"
    )
    return "\n".join(
        [
            f"rows            {rows:,} in {len(erasure.plan.subject.found)} tables",
            f"snapshots       {ranges(purged.snapshots) or 'none'} expired; "
            f"{purged.files} files removed",
            f"look-ups        {', '.join(erasure.months) or 'none'} published again",
            f"pushed          {len(erasure.overlays)} stores rewritten",
            f"exports         {', '.join(erasure.exports) or 'none'} made again",
            f"logs            {len(erasure.logs)} changed",
            f"landed files    {len(landed)} {kept}"
            if landed
            else "landed files    none holds an erased customer",
            *landed,
            f"searched        {erasure.searched:,} files: nothing left",
            f"audit trail     customer {erasure.plan.pseudonym}",
        ]
    )


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as runs: '3-7, 9'."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda placed: placed[1] - placed[0])
    ]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
