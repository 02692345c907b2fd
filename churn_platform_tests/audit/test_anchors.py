"""Heads are noted outside the file, the newest counts, and they are found again."""

from types import SimpleNamespace

import pytest
from dagster import DagsterInstance, MaterializeResult, asset, materialize

from churn_platform.audit.anchors import HEAD, head_text, mlflow_anchors, note_head, read_anchor
from churn_platform.audit.verify import verify
from churn_platform.errors import AuditError
from churn_platform.graph.resources.audit_trail import AuditTrail, dagster_anchors, head_metadata
from churn_platform_tests.audit.conftest import add


def test_an_older_head_does_not_replace_a_newer_one(log, tracking):
    """Of two processes the one that comes late with the smaller number leaves the tag."""
    client = tracking.client()
    if not client.search_registered_models("name = 'tiny'"):
        client.create_registered_model("tiny")
    client.set_registered_model_tag("tiny", HEAD, f"1:{'0' * 64}")
    add(log, 1)
    add(log, 2)
    first, second = log.records()
    note_head(client, second)
    note_head(client, first)
    (anchor,) = [
        anchor for anchor in mlflow_anchors(client) if anchor.where == "the MLflow tag of tiny"
    ]
    assert (anchor.sequence, anchor.sha256) == (2, second.sha256)
    assert verify(log.path, [anchor]).findings == []


def test_without_a_registered_model_no_head_is_noted(log, tracking):
    """The first erasure may come before the first model."""
    log.append("refusal", portfolio="nobody", subject="version 1", reason="x")
    note_head(tracking.client(), log.records()[-1])
    assert [
        anchor for anchor in mlflow_anchors(tracking.client()) if "nobody" in anchor.where
    ] == []


def test_materializations_note_the_head(tmp_path):
    """An asset's run writes the trail under its own id, and its materialization is an anchor."""

    @asset(key=["tiny", "champion"])
    def champion(context, audit: AuditTrail) -> MaterializeResult:
        log = audit.log(context.run_id)
        before = head_metadata(log)
        add(log)
        return MaterializeResult(metadata=head_metadata(log) | {"before": len(before)})

    path = tmp_path / "audit.jsonl"
    with DagsterInstance.ephemeral() as instance:
        run_ids = [
            materialize(
                [champion], resources={"audit": AuditTrail(path=str(path))}, instance=instance
            ).run_id
            for _ in range(2)
        ]
        anchors = dagster_anchors(instance, ["tiny", "other"])
    records = AuditTrail(path=str(path)).log("none").records()
    assert sorted((anchor.sequence, anchor.sha256) for anchor in anchors) == [
        (record.sequence, record.sha256) for record in records
    ]
    assert [record.by.split(" in run ")[1] for record in records] == run_ids
    assert verify(path, anchors).findings == []
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    (finding,) = verify(path, anchors).findings
    assert (
        f"the materialization of tiny/champion in run {run_ids[1]} knows record 2"
        in finding.problem
    )


@pytest.mark.parametrize(
    "text", ["", "0:" + "a" * 64, "1:" + "A" * 64, "1:abc", "x:" + "a" * 64, "1:" + "a" * 64 + "\n"]
)
def test_what_is_no_head_is_refused(text):
    """A damaged anchor is no anchor that fits."""
    with pytest.raises(AuditError, match=r"somewhere holds .* no head"):
        read_anchor("somewhere", text)


def test_a_head_is_read_as_it_was_noted():
    """Number and hash."""
    anchor = read_anchor("x", head_text(SimpleNamespace(sequence=12, sha256="ab" * 32)))
    assert (anchor.sequence, anchor.sha256) == (12, "ab" * 32)
