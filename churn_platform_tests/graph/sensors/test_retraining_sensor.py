"""A flag becomes one training, and a new champion one scored month."""

from contextlib import closing

from dagster import DagsterRun, DagsterRunStatus

from churn_platform.graph.run_requests import BECAUSE_TAG, EVIDENCE_TAG
from churn_platform.graph.runs import RANGE_TAGS, months_of_tags
from churn_platform.promotion.evaluation_table import COLUMNS as EVALUATION
from churn_platform.published.atomic_files import new_folder, write_manifest
from churn_platform.published.format import FeaturesManifest, features_dir
from churn_platform.published.live_file import go_live
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.graph.conftest import Daemon
from churn_platform_tests.graph.sensors.test_landing_sensor import MANY_TICKS, asked
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH


@invariant("Monitoring", "A flag asks for one training, whatever the daemon does in between.")
def test_a_flag_fires_once(daemon: Daemon):
    """However often the daemon looks, restarts included, a flag asks for one training, with reasons
    and evidence.
    """
    daemon.decide(JANUARY)
    assert daemon.tick("tiny_retraining") == []
    daemon.flag(FEBRUARY)
    (request,) = daemon.tick("tiny_retraining")
    assert months_of_tags(request.tags) == (FEBRUARY, FEBRUARY)
    assert request.job_name == "tiny_training"
    assert (request.tags[BECAUSE_TAG], request.tags[EVIDENCE_TAG]) == ("AUC fell", '{"auc": 1}')
    assert asked(daemon, "tiny_retraining", MANY_TICKS) == []


@invariant("Monitoring", "A sensor's tick that was lost repeats the same run key.")
def test_a_tick_that_was_lost_repeats_the_same_key(daemon: Daemon):
    """Where the cursor of a tick was not stored, the next one asks with the same run key, which
    Dagster drops.
    """
    daemon.flag(FEBRUARY)
    (first,) = daemon.tick("tiny_retraining")
    daemon.cursors.clear()
    (second,) = daemon.tick("tiny_retraining")
    assert first.run_key == second.run_key


def test_a_flag_raised_again_fires_again(daemon: Daemon):
    """The month after may flag as well; its key is another."""
    daemon.flag(FEBRUARY)
    (first,) = daemon.tick("tiny_retraining")
    daemon.flag(MARCH)
    (second,) = daemon.tick("tiny_retraining")
    assert months_of_tags(second.tags) == (MARCH, MARCH)
    assert first.run_key != second.run_key


@invariant("Monitoring", "A backfill asks for one training at most.")
def test_a_backfill_trains_the_newest_month_at_most(daemon: Daemon):
    """Flags of the past ask for nothing: the newest decision has known what they knew."""
    for month in (JANUARY, FEBRUARY, MARCH):
        daemon.flag(month)
    assert asked(daemon, "tiny_retraining") == [(MARCH, MARCH)]
    daemon.flag(JANUARY)
    assert asked(daemon, "tiny_retraining") == []
    daemon.decide(APRIL)
    assert asked(daemon, "tiny_retraining") == []


def test_a_training_that_was_done_is_not_asked_for(daemon: Daemon):
    """Deciding on a month again after its training changes nothing."""
    daemon.flag(FEBRUARY)
    with closing(daemon.connect()) as connection:
        ensure_table(connection, "tiny.evaluation", EVALUATION)
        connection.execute(
            "insert into tiny.evaluation (month, is_promoted) values (date '2025-02-01', false)"
        )
    assert asked(daemon, "tiny_retraining") == []


def publish(daemon: Daemon, month: str, scored_by: int) -> None:
    """Published features of a month, without their look-up."""
    root = daemon.settings.published_dir / "tiny"
    with new_folder(features_dir(root, month)) as folder:
        write_manifest(folder, FeaturesManifest("tiny", month, 1, ("usage",), scored_by, {}))
    go_live(root, "tiny", features_month=month)


@invariant("Monitoring", "A new champion scores the newest month once.")
def test_a_new_champion_scores_the_newest_month_once(daemon: Daemon):
    """Also after a rollback; and never in a loop, should scoring fail."""
    root = daemon.settings.published_dir / "tiny"
    assert asked(daemon, "tiny_rescoring") == []
    go_live(root, "tiny", champion=1)
    publish(daemon, "2025-02", scored_by=1)
    assert asked(daemon, "tiny_rescoring") == []
    go_live(root, "tiny", champion=2)
    assert asked(daemon, "tiny_rescoring", MANY_TICKS) == [(FEBRUARY, FEBRUARY)]
    publish(daemon, "2025-02", scored_by=2)
    go_live(root, "tiny", champion=1)
    assert asked(daemon, "tiny_rescoring", MANY_TICKS) == [(FEBRUARY, FEBRUARY)]


def test_a_run_that_is_scoring_the_month_is_waited_for(daemon: Daemon):
    """`churn run` scores after its training; once it has ended, the state says what is missing."""
    daemon.materialize("customer_features", FEBRUARY)
    tags = dict(zip(RANGE_TAGS, (FEBRUARY.isoformat(), FEBRUARY.isoformat()), strict=True))
    run = DagsterRun("tiny_scores", status=DagsterRunStatus.STARTED, tags=tags)
    daemon.instance.add_run(run)
    go_live(daemon.settings.published_dir / "tiny", "tiny", champion=1)
    assert asked(daemon, "tiny_rescoring") == []
    assert daemon.skipped("tiny_rescoring") == f"run {run.run_id} is scoring 2025-02"
    daemon.instance.report_run_failed(run)
    assert asked(daemon, "tiny_rescoring") == [(FEBRUARY, FEBRUARY)]


def test_the_first_champion_scores_the_newest_features(daemon: Daemon):
    """Where nothing was published yet, the newest month that has features is scored."""
    daemon.materialize("customer_features", JANUARY, FEBRUARY)
    go_live(daemon.settings.published_dir / "tiny", "tiny", champion=1)
    assert asked(daemon, "tiny_rescoring") == [(FEBRUARY, FEBRUARY)]
