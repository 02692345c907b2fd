"""A version comes out again as it was, and whatever prevents that is named."""

import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dagster import AssetKey, DagsterInstance

from churn_platform.errors import TrainingError
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio
from churn_platform.training import reproduce as module
from churn_platform.training.challengers import CANDIDATE_TAGS, register_challenger
from churn_platform.training.fit import Means, fit_and_log
from churn_platform.training.model_record import RECORD_FILE, ModelRecord, read_record
from churn_platform.training.recorded_training import (
    as_fitted,
    readable_snapshot,
    recorded_training_set,
)
from churn_platform.training.reproduce import Reproduction, as_text, reproduce
from churn_platform.training.splits import recency_weights
from churn_platform.training.training_data import TrainingSet, load_training_data
from churn_platform.training.tune import Budget
from churn_platform.warehouse.erased_snapshots import note_expired
from churn_platform.warehouse.lake import Lake, connect
from churn_platform.warehouse.tables import current_snapshot, write
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY
from churn_platform_tests.support.tiny_lake import tiny_lake
from churn_platform_tests.training.conftest import add_month

CODE = "0.2.0+abc"
DECEMBER = shift(JANUARY, -1)
SPLITS = {DECEMBER: "train", JANUARY: "train", FEBRUARY: "validation", MARCH: "holdout"}
HALVING = TINY.model_copy(update={"split": TINY.split.model_copy(update={"half_life_months": 1.0})})


@dataclass
class Trained:
    """A lake of labelled months, and version 1 fitted on it."""

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    client: Any
    means: Means
    record: ModelRecord
    version: int

    def reproduce(
        self, portfolio: Portfolio = HALVING, *, code_version: str = CODE
    ) -> Reproduction:
        """Fit version 1 again."""
        given = {"means": self.means, "rows_max": 10_000}
        return reproduce(
            self.connection,
            self.client,
            portfolio,
            self.version,
            code_version=code_version,
            **given,
        )

    def tamper(self, **fields: Any) -> None:
        """Write other fields into the record of version 1."""
        self.client.log_dict(
            self.record.mlflow_run_id, (replace(self.record, **fields)).as_dict(), RECORD_FILE
        )


def train(
    connection: duckdb.DuckDBPyConnection, lake: Lake, tracking: Tracking, algorithm: str
) -> Trained:
    """Fill the lake with labelled months and register a version of the algorithm, untuned."""
    for tickets, month in enumerate(SPLITS):
        add_month(connection, lake, month, tickets)
    weights = recency_weights({DECEMBER: 200, JANUARY: 200}, HALVING.split)
    snapshot = current_snapshot(connection)
    training_set = TrainingSet(
        APRIL, SPLITS, snapshot, 1.0, 400, half_life_months=1.0, weights=weights
    )
    means = Means(1, Budget(0, 60, 1_000), lake.temp_dir / "cache")
    tags = dict(zip(CANDIDATE_TAGS, ("tiny", "2025-04-01", algorithm), strict=True))
    context = SimpleNamespace(
        asset_key=AssetKey(["tiny", algorithm]),
        instance=DagsterInstance.ephemeral(),
        run_id="run",
        log=logging.getLogger("test"),
    )
    with tracking.run(context, experiment="tiny", tags=tags) as active:
        record = fit_and_log(
            active,
            HALVING,
            algorithm,
            training_set,
            load_training_data(connection, HALVING, training_set),
            every_row=lambda: iter(()),
            means=means,
            code_version=CODE,
            on_trial=lambda trial: None,
        )
    client = tracking.client()
    version = register_challenger(client, read_record(client, record.mlflow_run_id))
    return Trained(lake, connection, client, means, record, version)


@pytest.fixture(params=["xgboost"])
def trained(
    request: pytest.FixtureRequest, tmp_path: Path, extensions: Path, tracking: Tracking
) -> Iterator[Trained]:
    """A version of the algorithm, without tuning."""
    lake = tiny_lake(tmp_path, extensions)
    with closing(connect(lake)) as connection:
        made = train(connection, lake, tracking, request.param)
        yield made
        # The same fit would be the same version in the next test.
        made.client.delete_registered_model(HALVING.name)


@pytest.mark.parametrize(
    "trained", ["xgboost", "lightgbm", "random_forest", "logistic_regression"], indirect=True
)
@invariant("Training", "A version that is fitted again from its record is the same, bit by bit.")
def test_the_same_model_comes_out(trained: Trained) -> None:
    """Every prediction and metric is the same to the last bit, although the
    lake has gone on since.
    """
    add_month(trained.connection, trained.lake, JANUARY, tickets=40)
    done = trained.reproduce()
    assert done.largest_difference == 0.0
    assert (done.moved, done.changes, done.contradictions, done.customers) == ({}, [], [], 400)
    assert done.agrees
    assert "identical, bit by bit, on 400 customers" in as_text(done)


def test_a_changed_parameter_is_named(trained: Trained) -> None:
    """A record that somebody has edited is held against what its run was given."""
    trained.tamper(parameters=trained.record.parameters | {"max_depth": 1, "learning_rate": 0.9})
    done = trained.reproduce()
    assert not done.agrees
    assert done.largest_difference > 0
    assert any(
        "the record says max_depth = 1, its MLflow run" in text for text in done.contradictions
    )


def test_a_changed_metric_is_named(trained: Trained) -> None:
    """A metric that the stored model does not reach on its own rows is no metric of it."""
    trained.tamper(holdout=trained.record.holdout | {"auc": 0.99})
    done = trained.reproduce()
    assert done.largest_difference == 0.0
    assert list(done.moved) == ["holdout auc"]
    assert not done.agrees
    assert "the record says holdout auc = 0.99, its own model gives" in done.contradictions[0]


def test_circumstances_that_differ_are_named(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code, libraries, seed and catalogue: each with what it was and is; the version's own features
    serve.
    """
    monkeypatch.setattr(
        module, "libraries_of", lambda algorithm: trained.record.libraries | {"numpy": "9.9"}
    )
    usage = TINY.features[0].model_copy(update={"range": (0, 50)})
    grown = TINY.model_copy(
        update={
            "features": (usage, *TINY.features[1:]),
            "split": TINY.split.model_copy(update={"seed": 8}),
        }
    )
    done = trained.reproduce(grown, code_version="0.3.0")
    assert done.changes == [
        "the code was 0.2.0+abc, is 0.3.0",
        f"numpy was {trained.record.libraries['numpy']}, is 9.9",
        "the catalogue has changed in usage; the version's own features were used",
        "the spec's seed was 7, is 8; the former was used",
        "the spec's half_life_months was 1.0, is none; the former was used",
    ]
    assert done.agrees
    assert done.largest_difference == 0.0


def expire(trained: Trained) -> None:
    """Take the version's snapshot away."""
    add_month(trained.connection, trained.lake, APRIL, tickets=1)
    query = f"from ducklake_expire_snapshots('lake', versions => [{trained.record.snapshot}])"
    assert len(trained.connection.execute(query).fetchall()) == 1


@invariant(
    "Training",
    "Where a version cannot be fitted again, the reason is named and nothing is "
    "fitted on other rows.",
)
def test_an_expired_snapshot_is_named(trained: Trained) -> None:
    """Nothing is fitted on other rows instead."""
    expire(trained)
    with pytest.raises(
        TrainingError,
        match=rf"snapshot {trained.record.snapshot} .*expired by housekeeping.*nothing",
    ):
        trained.reproduce()


def test_an_erasure_is_named(trained: Trained) -> None:
    """Whose erasure it was is not known here, only that and when there was one."""
    write(
        trained.connection,
        trained.lake,
        lambda: note_expired(trained.connection, MARCH, [trained.record.snapshot]),
    )
    expire(trained)
    with pytest.raises(TrainingError, match="an erasure of a customer in 2025-03 took it away"):
        trained.reproduce()


def test_the_months_come_from_the_record_when_the_plan_is_gone(trained: Trained) -> None:
    """Validation months are those between training and hold-out; a fit that streamed is told by its
    rows.

    Weights are those of the record.
    """
    found = recorded_training_set(trained.connection, TINY, trained.record, rows_max=10_000)
    assert (found.months, found.train_share, found.snapshot) == (
        SPLITS,
        1.0,
        trained.record.snapshot,
    )
    assert found.weights == {DECEMBER: pytest.approx(2 / 3), JANUARY: pytest.approx(4 / 3)}
    assert (
        recorded_training_set(trained.connection, TINY, trained.record, rows_max=50).train_share
        == 0.125
    )


def test_without_its_snapshot_the_months_are_read_as_they_are(trained: Trained) -> None:
    """A fit again needs the same rows; what only looks at the months finds them at the newest
    snapshot.
    """
    kept = trained.record.snapshot
    assert readable_snapshot(trained.connection, kept) == kept
    expire(trained)
    newest = current_snapshot(trained.connection)
    assert readable_snapshot(trained.connection, kept) == newest != kept
    found = recorded_training_set(trained.connection, TINY, trained.record)
    assert (found.months, found.snapshot) == (SPLITS, newest)


def test_a_version_is_read_with_its_own_catalogue_and_seed(trained: Trained) -> None:
    """A snapshot from before a feature has no column of it."""
    then = as_fitted(TINY, replace(trained.record, seed=5), TINY.features[:2])
    assert (then.feature_names, then.split.seed) == (["usage", "tickets"], 5)
