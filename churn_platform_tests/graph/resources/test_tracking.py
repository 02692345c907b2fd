"""Each materialization has an MLflow run of its own, and a fitted candidate comes back from it
whole.
"""

import logging
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    asset,
    materialize,
)
from dagster._core.test_utils import create_run_for_test

from churn_platform.errors import TrainingError
from churn_platform.graph.resources.tracking import Tracking
from churn_platform.metrics.metrics import measure
from churn_platform.scoring.champion_model import load_champion
from churn_platform.training.candidates import ALGORITHMS
from churn_platform.training.candidates.lightgbm import DEFAULTS
from churn_platform.training.challengers import (
    CANDIDATE_TAGS,
    best,
    newest_candidates,
    register_challenger,
)
from churn_platform.training.fit import Means, fit_and_log
from churn_platform.training.model import fit_model
from churn_platform.training.model_record import RECORD_FILE, read_record
from churn_platform.training.model_registry import (
    CHALLENGER,
    DECISION_REASON,
    challenger_of,
    set_champion,
    version_of,
)
from churn_platform.training.training_data import TrainingData, TrainingSet
from churn_platform.training.tune import Budget
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY, customers

DATA = TrainingData(customers(600, seed=1), customers(300, seed=2), customers(300, seed=3))
TRAINING_SET = TrainingSet(
    APRIL, {JANUARY: "train", FEBRUARY: "validation", MARCH: "holdout"}, 17, 1.0
)


def context(
    run_id: str = "dagster-run", algorithm: str = "xgboost", instance: DagsterInstance | None = None
) -> SimpleNamespace:
    """What an asset's context says of itself."""
    return SimpleNamespace(
        asset_key=AssetKey(["tiny", algorithm]),
        instance=instance or DagsterInstance.ephemeral(),
        run_id=run_id,
        log=logging.getLogger("test"),
    )


def tags(algorithm: str = "xgboost", partition: str = "2025-04-01") -> dict[str, str]:
    """Tags of a candidate."""
    return dict(zip(CANDIDATE_TAGS, ("tiny", partition, algorithm), strict=True))


def test_two_materializations_never_share_a_run(tracking):
    """In one process and one Dagster run, each block writes into a run of its own, which is
    finished after.
    """
    import mlflow

    ids = []
    for value in (1.0, 2.0):
        with tracking.run(context(), experiment="pair", tags=tags()) as active:
            active.log_metric("value", value)
            ids.append(mlflow.active_run().info.run_id)
        assert mlflow.active_run() is None
    runs = [tracking.client().get_run(run_id) for run_id in ids]
    assert len(set(ids)) == 2
    assert [(run.data.metrics, run.info.status) for run in runs] == [
        ({"value": 1.0}, "FINISHED"),
        ({"value": 2.0}, "FINISHED"),
    ]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failing_block_leaves_a_failed_run(tracking, error):
    """The error goes on, the run is FAILED, nothing stays active."""
    import mlflow

    with pytest.raises(error), tracking.run(context(), experiment="failing", tags=tags()):
        run_id = mlflow.active_run().info.run_id
        raise error
    assert tracking.client().get_run(run_id).info.status == "FAILED"
    assert mlflow.active_run() is None


@invariant("Training", "Nested MLflow runs end with the run that holds them.")
def test_nested_runs_end_with_theirs(tracking):
    """A child that the block left open is ended as the run itself."""
    import mlflow

    with pytest.raises(ValueError), tracking.run(context(), experiment="nested", tags=tags()):
        parent = mlflow.active_run().info.run_id
        child = mlflow.start_run(nested=True).info.run_id
        raise ValueError
    assert [tracking.client().get_run(run_id).info.status for run_id in (parent, child)] == [
        "FAILED",
        "FAILED",
    ]
    assert mlflow.active_run() is None


@invariant("Training", "No MLflow run is left RUNNING.")
def test_a_run_that_dagster_mlflow_cannot_open_is_failed(tracking, monkeypatch):
    """Where its constructor raises, the run that was made for it does not stay RUNNING."""
    import mlflow
    from dagster_mlflow.resources import MlFlow

    def refuse(self):
        raise ConnectionError("no answer")

    monkeypatch.setattr(MlFlow, "_setup", refuse)
    with pytest.raises(ConnectionError), tracking.run(context(), experiment="refused", tags=tags()):
        pass
    experiment = tracking.client().get_experiment_by_name("refused")
    (run,) = tracking.client().search_runs([experiment.experiment_id])
    assert run.info.status == "FAILED"
    assert mlflow.active_run() is None


@invariant("Training", "Two Dagster runs in one process never share an MLflow run.")
def test_assets_of_two_dagster_runs_in_one_process_keep_apart(tracking):
    """The first fails, the second does not: FAILED and FINISHED, each with its own metric and
    Dagster run.
    """
    import mlflow

    @asset(key=["tiny", "fragile"], config_schema={"fails": bool})
    def fragile(context: AssetExecutionContext, tracking: Tracking) -> None:
        with tracking.run(context, experiment="dagster", tags=tags("fragile")) as active:
            active.log_metric("fails", float(context.op_execution_context.op_config["fails"]))
            if context.op_execution_context.op_config["fails"]:
                raise ZeroDivisionError

    ran = [
        materialize(
            [fragile],
            resources={"tracking": tracking},
            run_config={"ops": {"tiny__fragile": {"config": {"fails": fails}}}},
            raise_on_error=False,
        )
        for fails in (True, False)
    ]
    experiment = tracking.client().get_experiment_by_name("dagster")
    runs = tracking.client().search_runs(
        [experiment.experiment_id], order_by=["attributes.start_time"]
    )
    assert [run.info.status for run in runs] == ["FAILED", "FINISHED"]
    assert [run.data.metrics["fails"] for run in runs] == [1.0, 0.0]
    assert [run.data.tags["dagster.run_id"] for run in runs] == [result.run_id for result in ran]
    assert mlflow.active_run() is None


def test_a_run_that_somebody_left_open_is_not_written_to(tracking):
    """Whatever is active before stays without our metrics and is closed."""
    import mlflow

    tracking.client()
    mlflow.set_experiment("stranger")
    stranger = mlflow.start_run().info.run_id
    with tracking.run(context(), experiment="own", tags=tags()) as active:
        active.log_metric("value", 1.0)
        assert mlflow.active_run().info.run_id != stranger
    left = tracking.client().get_run(stranger)
    assert (left.data.metrics, left.info.status) == ({}, "FINISHED")


def leave_open(client, experiment_id: str, dagster_run: str) -> list[str]:
    """A candidate's run, a trial below it and a model, as a kill leaves them; ids of the two runs
    and the model.
    """
    run = client.create_run(experiment_id, tags={"dagster.run_id": dagster_run}).info.run_id
    trial = client.create_run(experiment_id, tags={"mlflow.parentRunId": run}).info.run_id
    model = client.create_logged_model(experiment_id, name="model", source_run_id=run).model_id
    return [run, trial, model]


def statuses(client, run: str, trial: str, model: str) -> list[str]:
    """How the three stand."""
    runs = [client.get_run(run_id).info.status for run_id in (run, trial)]
    return [*runs, str(client.get_logged_model(model).status)]


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (DagsterRunStatus.FAILURE, ["KILLED", "KILLED", "FAILED"]),
        (DagsterRunStatus.CANCELED, ["KILLED", "KILLED", "FAILED"]),
        (DagsterRunStatus.STARTED, ["RUNNING", "RUNNING", "PENDING"]),
    ],
)
def test_the_next_run_ends_what_a_killed_one_left_open(tracking, status, left):
    """Run, trial and model of a Dagster run that is over are ended; those of one that goes on are
    left alone.
    """
    client = tracking.client()
    experiment = client.create_experiment(f"left by {status.value}")
    with DagsterInstance.ephemeral() as instance:
        killed = create_run_for_test(instance, status=status).run_id
        of_killed = leave_open(client, experiment, killed)
        of_stranger = leave_open(client, experiment, "a run of another installation")
        with tracking.run(
            context(instance=instance), experiment=f"left by {status.value}", tags=tags()
        ):
            pass
    assert statuses(client, *of_killed) == left
    assert statuses(client, *of_stranger) == ["RUNNING", "RUNNING", "PENDING"]


def test_a_trial_whose_candidate_has_ended_is_ended_too(tracking):
    """A failure between a trial's begin and end leaves it open below a run that was closed."""
    client = tracking.client()
    experiment = client.create_experiment("trial left")
    run, trial, _ = leave_open(client, experiment, "a run that is unknown by now")
    client.set_terminated(run, "FAILED")
    with tracking.run(context(), experiment="trial left", tags=tags()):
        pass
    assert [client.get_run(run_id).info.status for run_id in (run, trial)] == ["FAILED", "KILLED"]


def test_a_run_says_what_it_materialized(tracking):
    """Dagster run, asset and partition are its tags, its name and experiment are readable."""
    import mlflow

    with tracking.run(context("abc"), experiment="tagged", tags=tags()):
        run_id = mlflow.active_run().info.run_id
    run = tracking.client().get_run(run_id)
    expected = tags() | {"dagster.run_id": "abc", "dagster.asset_key": "tiny/xgboost"}
    assert expected.items() <= run.data.tags.items()
    assert run.info.run_name == "xgboost 2025-04-01"
    assert tracking.client().get_experiment(run.info.experiment_id).name == "tagged"
    assert run.info.artifact_uri.startswith(f"{tracking.artifact_location}/tagged/")


def fit(
    tracking,
    algorithm,
    data,
    folder,
    *,
    experiment="again",
    training_set=TRAINING_SET,
    every_row=None,
):
    """The record of a candidate, tuned with two trials, fitted and logged."""
    with tracking.run(
        context(algorithm=algorithm), experiment=experiment, tags=tags(algorithm)
    ) as mlflow:
        return fit_and_log(
            mlflow,
            TINY,
            algorithm,
            training_set,
            data,
            every_row=every_row,
            means=Means(
                threads=1, budget=Budget(trials=1, seconds=60, rows=10_000), cache_dir=folder
            ),
            code_version="1+abc",
            on_trial=lambda trial: None,
        )


@pytest.fixture(scope="module")
def records(tracking, tmp_path_factory):
    """The record of each algorithm."""
    folder = tmp_path_factory.mktemp("cache")
    return {
        algorithm: fit(tracking, algorithm, DATA, folder, experiment="tiny")
        for algorithm in TINY.candidates
    }


def test_a_record_comes_back_as_it_was(tracking, records):
    """What is known of a candidate is read from its run without loss, tiers as tuples."""
    for record in records.values():
        assert read_record(tracking.client(), record.mlflow_run_id) == record
        assert (record.month, record.snapshot, record.code_version) == ("2025-04", 17, "1+abc")
        assert (record.training_months, record.holdout_month) == (["2025-01"], "2025-03")


def test_metrics_and_parameters_stand_in_the_run(tracking, records):
    """A person who opens MLflow sees how the candidate was fitted and how good it is."""
    record = records["xgboost"]
    data = tracking.client().get_run(record.mlflow_run_id).data
    assert data.metrics["holdout_auc"] == pytest.approx(record.holdout["auc"])
    assert data.metrics["threshold"] == pytest.approx(record.threshold)
    assert (data.params["train_rows"], data.params["max_depth"]) == (
        "600",
        str(record.parameters["max_depth"]),
    )


def test_each_trial_is_a_child_of_its_candidates_run(tracking, records):
    """Below a candidate: the defaults and one drawn trial, each with parameters, log loss and
    state.
    """
    client = tracking.client()
    record = records["lightgbm"]
    parent = client.get_run(record.mlflow_run_id)
    children = client.search_runs(
        [parent.info.experiment_id],
        f"tags.`mlflow.parentRunId` = '{record.mlflow_run_id}'",
        order_by=["tags.`churn.trial`"],
    )
    numbers = [child.data.tags["churn.trial"] for child in children]
    assert numbers == [str(number) for number in range(len(DEFAULTS) + 1)]
    assert {child.info.status for child in children} == {"FINISHED"}
    assert (
        children[0].data.params.items()
        >= {name: str(value) for name, value in DEFAULTS[0].items()}.items()
    )
    assert all(0 < child.data.metrics["log_loss"] < 1 for child in children)
    tried = [child.data.params for child in children]
    assert {name: str(value) for name, value in record.parameters.items()} in tried


@invariant("Training", "A record says how to fit its model again.")
def test_a_record_says_how_to_fit_again(records):
    """Parameters, seed, threads, rows and libraries of a record make the same model again, bit by
    bit.
    """
    for record in records.values():
        algorithm = ALGORITHMS[record.algorithm]
        assert set(algorithm.DEFAULTS[0]) <= set(record.parameters)
        assert (record.train_share, record.train_rows, record.seed, record.threads) == (
            1.0,
            600,
            7,
            1,
        )
        assert {"numpy", "scikit-learn", algorithm.LIBRARY} == set(record.libraries)
        again = fit_model(
            record.algorithm,
            TINY.features,
            DATA.train,
            DATA.validation,
            parameters=record.parameters,
            seed=record.seed,
            threads=record.threads,
        )
        probability = again.churn_probability(DATA.holdout.features)
        measured = measure(
            DATA.holdout.churned, probability, threshold=record.threshold, economics=TINY.economics
        )
        assert measured.as_dict() == record.holdout


@invariant("Training", "The hold-out reaches neither tuning nor the fit.")
def test_the_hold_out_does_not_reach_the_fit(tracking, records, tmp_path):
    """With every hold-out label turned round, the same trials choose the same parameters and
    threshold.
    """
    turned = replace(DATA, holdout=replace(DATA.holdout, churned=1 - DATA.holdout.churned))
    again = fit(tracking, "xgboost", turned, tmp_path)
    assert again.parameters == records["xgboost"].parameters
    assert again.threshold == records["xgboost"].threshold
    assert again.validation == records["xgboost"].validation
    assert again.holdout["auc"] < 0.5 < records["xgboost"].holdout["auc"]


def test_too_many_rows_are_streamed(tracking, records, tmp_path):
    """Where a sample would be fitted on, XGBoost fits on every row in batches; the others say that
    they did not.
    """
    sampled = replace(TRAINING_SET, train_share=0.25, train_customers=600)
    data = replace(DATA, train=DATA.train.take(np.arange(150)))
    batches = [DATA.train.take(np.arange(begin, begin + 200)) for begin in (0, 200, 400)]
    streamed, other = (
        fit(tracking, name, data, tmp_path, training_set=sampled, every_row=lambda: iter(batches))
        for name in ("xgboost", "logistic_regression")
    )
    assert (streamed.train_rows, streamed.train_share) == (600, 1.0)
    assert (other.train_rows, other.train_share) == (150, 0.25)
    assert list(tmp_path.iterdir()) == []


def test_the_newest_finished_candidates_are_found(tracking, records):
    """One of each algorithm for the partition, runs that failed left out; another partition has
    none.
    """
    with pytest.raises(ZeroDivisionError), tracking.run(context(), experiment="tiny", tags=tags()):
        raise ZeroDivisionError
    assert newest_candidates(tracking.client(), TINY, "2025-04-01") == list(records.values())
    with pytest.raises(
        TrainingError,
        match="no fitted logistic_regression of tiny for 2025-05-01; materialize tiny/l",
    ):
        newest_candidates(tracking.client(), TINY, "2025-05-01")


def test_candidates_of_different_data_are_not_compared(tracking, records, tmp_path):
    """One that was fitted again on a newer snapshot, the others not: what validates one may have
    fitted another.
    """
    newer = replace(TRAINING_SET, snapshot=18, month=MARCH)
    portfolio = TINY.model_copy(update={"candidates": ["xgboost", "lightgbm"]})
    for algorithm, training_set in (("xgboost", newer), ("lightgbm", TRAINING_SET)):
        marked = tags(algorithm, "2025-03-01")
        with tracking.run(context(algorithm=algorithm), experiment="tiny", tags=marked) as mlflow:
            mlflow.log_dict(
                replace(records[algorithm], snapshot=training_set.snapshot).as_dict(), RECORD_FILE
            )
    with pytest.raises(
        TrainingError, match=r"snapshot 18, lightgbm on snapshot 17\); materialize tiny/tr"
    ):
        newest_candidates(tracking.client(), portfolio, "2025-03-01")


def test_the_challenger_is_who_was_chosen_last(tracking, records):
    """A run that was registered before and is the best again, not the highest number."""
    client = tracking.client()
    first, second = (register_challenger(client, records[name]) for name in ("xgboost", "lightgbm"))
    assert challenger_of(client, "tiny", "2025-04") == second
    assert register_challenger(client, records["xgboost"]) == first
    assert challenger_of(client, "tiny", "2025-04") == first
    with pytest.raises(
        TrainingError, match="no challenger of 2025-05; materialize tiny/challenger"
    ):
        challenger_of(client, "tiny", "2025-05")


def test_the_same_model_keeps_its_number(tracking, records, tmp_path):
    """A fit after a kill, on the same rows in a newer snapshot, is the version that there was;
    other rows are not.
    """
    client, newer = tracking.client(), replace(TRAINING_SET, snapshot=18)
    fewer = replace(DATA, train=DATA.train.take(np.arange(599)))
    first = register_challenger(client, records["logistic_regression"])
    again = fit(tracking, "logistic_regression", DATA, tmp_path, training_set=newer)
    other = fit(tracking, "logistic_regression", fewer, tmp_path)
    assert again.mlflow_run_id != records["logistic_regression"].mlflow_run_id
    assert register_challenger(client, again) == first
    assert register_challenger(client, other) == first + 1
    assert register_challenger(client, replace(again, code_version="2+def")) == first + 2


def test_a_model_of_unknown_rows_is_known_by_its_run_alone(tracking, records, tmp_path):
    """Records from before rows were hashed say nothing of them, so their models are never taken for
    one another.
    """
    client = tracking.client()
    older = replace(records["random_forest"], data_sha256="")
    first = register_challenger(client, older)
    again = replace(
        older, mlflow_run_id=fit(tracking, "random_forest", DATA, tmp_path).mlflow_run_id
    )
    assert register_challenger(client, older) == first
    assert register_challenger(client, again) == first + 1


def test_a_registration_that_was_cut_short_is_completed(tracking, records):
    """What a kill left out, tags of the version or the note of the month's challenger, is made
    good.
    """
    client = tracking.client()
    version = register_challenger(client, records["xgboost"])
    client.delete_model_version_tag("tiny", str(version), "threshold")
    client.delete_registered_model_tag("tiny", "challenger 2025-04")
    client.delete_registered_model_alias("tiny", CHALLENGER)
    assert register_challenger(client, records["xgboost"]) == version
    assert client.get_model_version("tiny", str(version)).tags["threshold"]
    assert challenger_of(client, "tiny", "2025-04") == version
    assert version_of(client, "tiny", CHALLENGER) == version


def test_the_choice_does_not_look_at_the_hold_out(records):
    """The higher AUC on the validation rows wins, whatever the hold-out says."""
    record = records["xgboost"]
    first = replace(
        record, validation=record.validation | {"auc": 0.8}, holdout=record.holdout | {"auc": 0.7}
    )
    second = replace(
        record, validation=record.validation | {"auc": 0.79}, holdout=record.holdout | {"auc": 0.9}
    )
    assert best([second, first]) is first


def test_a_promoted_model_is_the_fitted_one(tracking, records):
    """Registered, promoted and loaded again, a candidate scores as when fitted; before, the error
    says why none is.
    """
    client = tracking.client()
    with pytest.raises(TrainingError, match="tiny has no champion"):
        load_champion(client, TINY)
    versions = [register_challenger(client, record) for record in records.values()]
    assert version_of(client, "tiny", CHALLENGER) == versions[-1]
    client.set_model_version_tag(
        "tiny", str(versions[-1]), DECISION_REASON, "calibration error 0.06 > 0.05"
    )
    with pytest.raises(
        TrainingError, match=f"version {versions[-1]} was not promoted: calibration error 0.06"
    ):
        load_champion(client, TINY)
    for version, record in zip(versions, records.values(), strict=True):
        set_champion(client, "tiny", version, previous=None)
        champion = load_champion(client, TINY)
        assert (champion.version, champion.model.algorithm, champion.tiers) == (
            version,
            record.algorithm,
            record.tiers,
        )
        probability = champion.model.churn_probability(DATA.holdout.features)
        assert float(np.mean(probability >= record.threshold)) == record.holdout["contacted_share"]


def test_the_users_own_patience_with_the_server_stays(tracking, monkeypatch):
    """Retries and timeout are bounded where the environment does not say otherwise."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    tracking.answering_client()
    assert (
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"],
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"],
    ) == ("5", "10")
