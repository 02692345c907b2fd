"""Who is champion: every change is written to the audit trail first and carried out in the registry
after.

So nothing takes effect unrecorded, and a change that a crash cut short is completed by the next one
who holds the portfolio's lock: the trail says what was meant. An alias that neither the trail nor
the version before it explains was moved by hand, and stops every further change until a person has
put it on record.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from churn_platform.audit.anchors import note_head
from churn_platform.audit.audit_log import AuditLog
from churn_platform.audit.audit_record import Action, Record
from churn_platform.audit.trail import champions, select
from churn_platform.audit.trail_file import locked
from churn_platform.errors import AuditError
from churn_platform.months import parse_month
from churn_platform.promotion.rules import AWAITING_APPROVAL, PROMOTED, REFUSED, Outcome
from churn_platform.storage.lease import leased
from churn_platform.training.model_registry import (
    CHAMPION,
    DECISION_REASON,
    WITHDRAWN,
    WITHDRAWN_REASON,
    set_champion,
    tag_version,
    version_named,
    version_of,
    versions,
    withdrawn_reason,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

ACTIONS: dict[Outcome, Action] = {
    PROMOTED: "promotion",
    AWAITING_APPROVAL: "awaiting_approval",
    REFUSED: "refusal",
}


@dataclass(frozen=True)
class Judgement:
    """What an evaluation decided on a version: against which champion, why, with which numbers."""

    month: str
    version: int
    champion: int | None
    outcome: Outcome
    reason: str
    evidence: dict[str, Any]


def judgement_of(row: dict[str, Any]) -> Judgement:
    """The judgement in a row of the table `evaluation`."""
    return Judgement(
        month=f"{row['month']:%Y-%m}",
        version=row["challenger_version"],
        champion=row["champion_version"],
        outcome=row.get("outcome") or (PROMOTED if row["is_promoted"] else REFUSED),
        reason=row["reason"],
        evidence=json.loads(row["evidence"]),
    )


@contextmanager
def changing(client: "MlflowClient", audit: AuditLog, portfolio: str) -> Iterator[None]:
    """Hold the portfolio's right to change its champion, with the last change on record carried out
    in full.

    AuditError if the champion's alias is not what the trail says.
    """
    # Per portfolio, and not the lock of the trail: a change takes several records and calls to
    # MLflow.
    name = f"{portfolio}.champion"
    alone = leased(audit.store, name, now=audit.now) if audit.store else nullcontext()
    with locked(audit.path.with_name(name)), alone:
        settle(client, audit, portfolio)
        yield


def settle(client: "MlflowClient", audit: AuditLog, portfolio: str) -> None:
    """Carry out the last change on record where a crash cut it short;
    AuditError as for `changing`.
    """
    crowned = champions(audit.records(), portfolio)
    if not crowned or _model(crowned[-1]) not in _registered(client, portfolio):
        return  # nothing on record, or the trail speaks of a registry that is gone

    last = crowned[-1]
    serving = version_of(client, portfolio, CHAMPION)
    # Anything else was set by hand in MLflow. Going on would put a false history on record.
    if serving not in (last.version, last.details["replaces"]):
        raise AuditError(
            f"the alias champion of {portfolio} names version {serving}, "
            "but the audit trail knows version "
            f"{last.version} (record {last.sequence}); it was moved by hand: set the alias back, "
            "then change it by "
            f"`churn rollback {portfolio} --to {serving} --reason ...`, which goes on record"
        )

    _take_effect(client, last)


def _model(record: Record) -> tuple[int | None, str | None]:
    """The model that a record is about: numbers start again where a registry does, runs do not."""
    return record.version, record.details["mlflow_run_id"]


def _registered(client: "MlflowClient", portfolio: str) -> set[tuple[int | None, str | None]]:
    return {(int(known.version), known.run_id) for known in versions(client, portfolio)}


@dataclass(frozen=True)
class Reign:
    """A champion, and the month whose training made it one."""

    month: date
    version: int


def reigns(client: "MlflowClient", records: Iterable[Record], portfolio: str) -> list[Reign]:
    """The champions that the trail knows, promoted, approved or brought back, in its order.

    One that is brought back takes the place of the one before it, from the same month on.
    """
    known: list[Reign] = []
    registered = _registered(client, portfolio)
    for record in champions(records, portfolio):
        version = record.version
        # A registry that was made again starts with number 1: the run tells the old 1 from the new.
        if version is None or _model(record) not in registered:
            continue
        if record.action != "rollback":
            month = parse_month(record.details["month"])
            known.append(Reign(month, version))
        # From the month of the version that was taken back, whenever the rollback was made:
        # monitoring of that month watches the version that serves.
        elif known:
            known.append(Reign(known[-1].month, version))

    return known


def decide(client: "MlflowClient", audit: AuditLog, portfolio: str, judgement: Judgement) -> str:
    """Put a judgement on record and carry it out, once; returns what became of it, in words.

    A judgement is known by the model, outcome and reason, which holds the numbers: the same again
    is no new fact. A promotion counts against the champion it was judged against: where another
    serves by now, or the version was withdrawn meanwhile, it changes nothing.
    """
    with changing(client, audit, portfolio):
        serving = version_of(client, portfolio, CHAMPION)
        if obstacle := _obstacle(client, audit, portfolio, judgement, serving):
            return f"{judgement.reason}; nothing changes: {obstacle}"
        details = {
            "month": judgement.month,
            "judged_against": judgement.champion,
            **numbers(judgement.evidence),
        }
        if judgement.outcome == PROMOTED:
            crown(
                client,
                audit,
                portfolio,
                judgement.version,
                "promotion",
                judgement.reason,
                details,
            )
        else:
            record = _recorded(
                client,
                audit,
                portfolio,
                judgement.version,
                ACTIONS[judgement.outcome],
                judgement.reason,
                details,
            )
            tag_version(client, portfolio, judgement.version, _decision_tags(record))
            note_head(client, record)

    return judgement.reason


def _obstacle(
    client: "MlflowClient",
    audit: AuditLog,
    portfolio: str,
    judgement: Judgement,
    serving: int | None,
) -> str | None:
    run_id = version_named(client, portfolio, judgement.version).run_id
    for record in select(audit.records(), portfolio=portfolio):
        if _same(record, judgement, run_id):
            # Materializing a month again must not bring an old promotion back over a newer
            # champion.
            return "this is on record"

    if judgement.outcome == REFUSED and judgement.version != serving:
        return None

    return obstacle_to_promotion(client, portfolio, judgement, serving)


def _same(record: Record, judgement: Judgement, run_id: str | None) -> bool:
    """Whether a record is of this judgement; an approval says in its details by
    what it was earned.
    """
    action = record.action
    reason: str | None = record.reason
    if action == "approval":
        action = "promotion"
        reason = record.details.get("earned")

    return (
        action == ACTIONS[judgement.outcome]
        and record.details.get("mlflow_run_id") == run_id
        and reason == judgement.reason
    )


def obstacle_to_promotion(
    client: "MlflowClient", portfolio: str, judgement: Judgement, serving: int | None
) -> str | None:
    """Why a judgement in a version's favour cannot be carried out any more; None if it can."""
    if judgement.version == serving:
        return f"version {serving} is the champion"
    if withdrawn := withdrawal(client, portfolio, judgement.version):
        return withdrawn
    if judgement.champion != serving:
        return (
            f"version {judgement.version} was judged against version {judgement.champion}, "
            f"but {serving} serves"
        )

    return None


def withdrawal(client: "MlflowClient", portfolio: str, version: int) -> str | None:
    """Why a version must not be promoted: it was withdrawn, or is the same model as one that was;
    None if it may.
    """
    candidate = version_named(client, portfolio, version)
    for known in versions(client, portfolio):
        reason = withdrawn_reason(known)
        if not reason:
            continue
        number = known.version
        if int(number) == version:
            return f"version {number} was withdrawn ({reason})"
        if _are_twins(known.tags, candidate.tags):
            twin = f"of which version {version} is a copy"
            return f"version {number}, {twin}, was withdrawn ({reason})"

    return None


# A retrain on the same rows gives the same figures. Without this check a withdrawn model would come
# back as a new version.
TWIN_TAGS = (
    "algorithm",
    "month",
    "holdout_auc",
    "holdout_brier",
    "holdout_average_precision",
    "threshold",
)


def _are_twins(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two versions agree in what a retrain on the same rows gives again."""
    return all(name in one and one[name] == other.get(name) for name in TWIN_TAGS)


def crown(
    client: "MlflowClient",
    audit: AuditLog,
    portfolio: str,
    version: int,
    action: Literal["promotion", "approval", "rollback"],
    reason: str,
    details: dict[str, Any],
) -> Record:
    """Record that a version becomes champion, then make it so; to be called inside `changing`."""
    serving = version_of(client, portfolio, CHAMPION)
    previous = (
        former_champion(client, audit, portfolio, without={version})
        if action == "rollback"
        else serving
    )
    details = details | {"replaces": serving, "previous_champion": previous}
    # Record first, then effect. The other way round, a crash would leave a champion without a
    # record.
    record = _recorded(client, audit, portfolio, version, action, reason, details)
    _take_effect(client, record)
    return record


def withdraw(
    client: "MlflowClient",
    audit: AuditLog,
    portfolio: str,
    version: int,
    reason: str,
    details: dict[str, Any],
) -> Record:
    """Record that a person refused a version, then see to it that it is never promoted; to be
    called inside `changing`.
    """
    record = _recorded(client, audit, portfolio, version, "refusal", reason, details)
    tags = {WITHDRAWN: "true", WITHDRAWN_REASON: reason}
    tag_version(client, portfolio, version, tags)
    return record


def _recorded(
    client: "MlflowClient",
    audit: AuditLog,
    portfolio: str,
    version: int,
    action: Action,
    reason: str,
    details: dict[str, Any],
) -> Record:
    """A record on a version, with the MLflow run that made it: numbers start again where a registry
    does.
    """
    details = details | {"mlflow_run_id": version_named(client, portfolio, version).run_id}
    return audit.append(
        action,
        portfolio=portfolio,
        subject=f"version {version}",
        reason=reason,
        details=details,
    )


def former_champion(
    client: "MlflowClient", audit: AuditLog, portfolio: str, *, without: set[int]
) -> int | None:
    """The newest champion before the present one, withdrawn ones and those in `without` left out;
    None without any.
    """
    barred = set(without)
    for known in versions(client, portfolio):
        if withdrawn_reason(known):
            barred.add(int(known.version))

    serving = version_of(client, portfolio, CHAMPION)
    if serving:
        barred.add(serving)

    history = champions(audit.records(), portfolio)
    for record in reversed(history):
        if record.version and record.version not in barred:
            return record.version

    return None


def _take_effect(client: "MlflowClient", record: Record) -> None:
    """Bring tags, aliases and anchor in line with a change of champion; the same again changes
    nothing.
    """
    portfolio, version = record.portfolio, record.version
    assert version is not None, "a champion is a version"
    details = record.details
    if record.action == "rollback":
        tags = {WITHDRAWN: "true", WITHDRAWN_REASON: record.reason}
        tag_version(client, portfolio, details["replaces"], tags)

    tag_version(client, portfolio, version, _decision_tags(record))
    set_champion(client, portfolio, version, previous=details["previous_champion"])
    note_head(client, record)


def _decision_tags(record: Record) -> dict[str, str]:
    tags = {"decision": record.action, DECISION_REASON: record.reason}
    if record.action in ("promotion", "approval", "rollback"):
        tags |= {"promoted_at": record.at.isoformat(timespec="seconds"), "promoted_by": record.by}
    return tags


def numbers(evidence: dict[str, Any]) -> dict[str, Any]:
    """What the trail keeps of the evidence: numbers and words without lists, and the hash of the
    whole.
    """
    whole = json.dumps(evidence, sort_keys=True).encode()
    return {
        "evidence": _without_lists(evidence),
        "evidence_sha256": hashlib.sha256(whole).hexdigest(),
    }


def _without_lists(value: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, part in value.items():
        if isinstance(part, dict):
            kept[name] = _without_lists(part)
        elif not isinstance(part, list):
            kept[name] = part

    return kept
