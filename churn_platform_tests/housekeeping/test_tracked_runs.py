"""Candidates that were never registered leave MLflow; what versions rest on stays."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_platform.graph.resources.tracking import Tracking
from churn_platform.housekeeping.tracked_runs import PARENT, remove_runs
from churn_platform.training.model_registry import register

LATER, EARLIER = datetime(2100, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def kept(tracking: Tracking, tmp_path: Path):
    """A store with a registered candidate, one that was not, and a trial of each."""
    client = tracking.client()
    from mlflow.entities import LoggedModelOutput

    experiment = client.create_experiment("spring", artifact_location=(tmp_path / "files").as_uri())
    runs = {}
    for name, parent in (
        ("won", None),
        ("lost", None),
        ("won's trial", "won"),
        ("lost's trial", "lost"),
    ):
        tags = {PARENT: runs[parent]} if parent else {}
        runs[name] = client.create_run(experiment, tags=tags).info.run_id
        client.log_text(runs[name], name, "note.txt")
    model = client.create_logged_model(experiment, source_run_id=runs["lost"])
    client.log_outputs(runs["lost"], [LoggedModelOutput(model.model_id, step=0)])
    stored = Path(model.artifact_location.removeprefix("file://"))
    stored.mkdir(parents=True)
    (stored / "model.pkl").write_text("a model")
    register(
        client,
        "spring",
        model_uri="runs:/x/m",
        run_id=runs["won"],
        description="none",
        tags={"month": "2025-01"},
    )
    yield client, runs, tmp_path / "files"
    client.delete_experiment(experiment)


def test_candidates_that_lost_go_with_their_trials(kept):
    """For good, files included; the registered one keeps run, trial and files."""
    client, runs, files = kept
    assert remove_runs(client, "spring", before=EARLIER) == 0
    client.delete_run(runs["lost's trial"])  # as a kill leaves it: marked, and still there
    assert remove_runs(client, "spring", before=LATER) == 2
    assert {path.name for path in files.iterdir() if list(path.rglob("note.txt"))} == {
        runs["won"],
        runs["won's trial"],
    }
    assert list(files.rglob("model.pkl")) == []
    assert client.get_run(runs["won"]).info.lifecycle_stage == "active"
    with pytest.raises(Exception, match="not found"):
        client.get_run(runs["lost"])
    assert remove_runs(client, "spring", before=LATER) == 0


def test_a_portfolio_without_runs_is_none_of_its_business(tracking: Tracking):
    """Nothing was trained yet."""
    assert remove_runs(tracking.client(), "never seen", before=LATER) == 0
