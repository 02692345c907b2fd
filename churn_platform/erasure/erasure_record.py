"""What an erasure leaves behind: a record in the audit trail, and what the command prints."""

from collections.abc import Sequence
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
    subject = erasure.plan.subject
    name = erasure.plan.portfolio.name
    for record in select(log.records(), portfolio=name, action="erasure"):
        if record.details.get("request_id") == subject.request_id:
            return record
    return None


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
    found = erasure.plan.subject.found
    purged = erasure.purged
    lines = [
        f"rows            {sum(found.values()):,} in {len(found)} tables",
        f"snapshots       {ranges(purged.snapshots) or 'none'} expired; "
        f"{purged.files} files removed",
        f"look-ups        {', '.join(erasure.months) or 'none'} published again",
        f"pushed          {len(erasure.overlays)} stores rewritten",
        f"exports         {', '.join(erasure.exports) or 'none'} made again",
        f"logs            {len(erasure.logs)} changed",
    ]
    lines += _landed_lines(erasure, rewritten)
    lines += [
        f"searched        {erasure.searched:,} files: nothing left",
        f"audit trail     customer {erasure.plan.pseudonym}",
    ]
    return "\n".join(lines)


def _landed_lines(erasure: Erasure, rewritten: bool) -> list[str]:
    if not erasure.deliveries:
        return ["landed files    none holds an erased customer"]
    kept = "still hold erased customers, in clear (--landing rewrites them)"
    state = "rewritten" if rewritten else kept
    listed = [f"  {path}" for path in erasure.deliveries]
    return [f"landed files    {len(listed)} {state}", *listed]


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers as runs: '3-7, 9'."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])

    return ", ".join(map(_as_range, runs))


def _as_range(run: list[int]) -> str:
    if len(run) == 1:
        return str(run[0])
    return f"{run[0]}-{run[-1]}"
