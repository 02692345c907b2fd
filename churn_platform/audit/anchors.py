"""Heads of the audit trail noted outside its file, which show that its end was cut or the whole
written again.
"""

import re
from typing import TYPE_CHECKING

from churn_platform.audit.audit_record import Record
from churn_platform.audit.verify import Anchor
from churn_platform.errors import AuditError

if TYPE_CHECKING:
    from mlflow import MlflowClient

HEAD = "audit_head"


def head_text(record: Record) -> str:
    """A record as an anchor notes it: '<sequence>:<sha256>'."""
    return f"{record.sequence}:{record.sha256}"


def read_anchor(where: str, text: str) -> Anchor:
    """The anchor noted as `head_text` writes it; AuditError for anything else."""
    found = re.fullmatch(r"([1-9]\d*):([0-9a-f]{64})", text, re.ASCII)
    if not found:
        raise AuditError(
            f"{where} holds {text[:80]!r}, which is no head of the audit trail (<number>:<64 hex "
            "digits>)"
        )

    return Anchor(where, int(found[1]), found[2])


def note_head(client: "MlflowClient", record: Record) -> None:
    """Note the record as head, as a tag of its portfolio's registered model; an older head never
    replaces a newer one.

    Nothing where nothing is registered yet: the first head noted later covers what came before.
    """
    from mlflow.exceptions import MlflowException

    try:
        noted = client.get_registered_model(record.portfolio).tags.get(HEAD)
    except MlflowException:
        return

    # Several processes may note heads at once; the newest must win in any order.
    if (
        noted is None
        or read_anchor(f"the MLflow tag of {record.portfolio}", noted).sequence < record.sequence
    ):
        client.set_registered_model_tag(record.portfolio, HEAD, head_text(record))


def mlflow_anchors(client: "MlflowClient") -> list[Anchor]:
    """The head that each registered model's tag notes."""
    anchors = []
    for model in client.search_registered_models(max_results=1_000):
        if HEAD in model.tags:
            anchors.append(read_anchor(f"the MLflow tag of {model.name}", model.tags[HEAD]))
    return anchors
