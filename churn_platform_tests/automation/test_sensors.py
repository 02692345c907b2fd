"""What sensors ask for, and that they ask once."""

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from dagster import DagsterEvent, DagsterRun, build_run_status_sensor_context

from churn_platform.automation.everything import automate
from churn_platform.automation.requests import AUTOMATION_TAG, BECAUSE_TAG, EVIDENCE_TAG, months_of_tags
from churn_platform.evaluation.records import COLUMNS as EVALUATION
from churn_platform.published.contract import FeaturesManifest, features_dir
from churn_platform.published.files import go_live, new_folder, write_manifest
from churn_platform.runs import RANGE_TAGS
from churn_platform.warehouse.tables import ensure_table
from churn_platform_tests.automation.conftest import Daemon
from churn_platform_tests.automation.test_landing import land
from churn_platform_tests.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY

TICKS_A_MONTH = 30 * 4


def deliver(daemon: Daemon, *months: date, content: str = "x") -> None:
    """Land every table of the months."""
    for month in months:
        for table in ("customers", "calls"):
            land(daemon.settings.landing_dir, table, f"{month:%Y-%m}.csv", content)


def asked(daemon: Daemon, name: str, ticks: int = 3) -> list[tuple[date, date]]:
    """The months that a sensor asks for in some ticks."""
    return [months_of_tags(request.tags) for _ in range(ticks) for request in daemon.tick(name)]


def test_a_landed_month_is_asked_for_once(daemon: Daemon):
    """A month whose run fails for ever is asked for once in a month of ticks; delivered again, once more."""
    assert asked(daemon, "tiny_landing") == []
    deliver(daemon, JANUARY, FEBRUARY)
    assert asked(daemon, "tiny_landing", TICKS_A_MONTH) == [(JANUARY, FEBRUARY)]
    deliver(daemon, FEBRUARY, content="corrected")
    assert asked(daemon, "tiny_landing", TICKS_A_MONTH) == [(JANUARY, FEBRUARY)]
    daemon.materialize("customer_features", JANUARY, FEBRUARY)
    deliver(daemon, MARCH)
    assert asked(daemon, "tiny_landing", TICKS_A_MONTH) == [(MARCH, MARCH)]


def test_files_may_come_back_to_what_they_were(daemon: Daemon):
    """A delivery taken back is a delivery: nothing is keyed by content for ever."""
    deliver(daemon, JANUARY)
    assert len(asked(daemon, "tiny_landing")) == 1
    (request,) = (daemon.cursors.clear(), daemon.tick("tiny_landing"), daemon.tick("tiny_landing"))[-1]
    assert request.run_key is None


def test_what_was_run_by_hand_is_not_run_again(daemon: Daemon):
    """A daemon that is switched on after `churn run` leaves those months alone."""
    deliver(daemon, JANUARY)
    for table in ("customers", "calls"):
        daemon.materialize(table, JANUARY, schema="tiny_raw")
    assert asked(daemon, "tiny_landing") == []


def test_a_month_that_has_not_ended_waits(daemon: Daemon):
    """A file of a month to come is no partition yet."""
    deliver(daemon, date(2999, 1, 1))
    assert asked(daemon, "tiny_landing") == []


def test_a_flag_fires_once(daemon: Daemon):
    """However often the daemon looks, restarts included, a flag asks for one training, with reasons and evidence."""
    daemon.decide(JANUARY)
    assert daemon.tick("tiny_retraining") == []
    daemon.flag(FEBRUARY)
    (request,) = daemon.tick("tiny_retraining")
    assert months_of_tags(request.tags) == (FEBRUARY, FEBRUARY)
    assert request.job_name == "tiny_training"
    assert (request.tags[BECAUSE_TAG], request.tags[EVIDENCE_TAG]) == ("AUC fell", '{"auc": 1}')
    assert asked(daemon, "tiny_retraining", TICKS_A_MONTH) == []


def test_a_tick_that_was_lost_repeats_the_same_key(daemon: Daemon):
    """Where the cursor of a tick was not stored, the next one asks with the same run key, which Dagster drops."""
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
        connection.execute("insert into tiny.evaluation (month, is_promoted) values (date '2025-02-01', false)")
    assert asked(daemon, "tiny_retraining") == []


def publish(daemon: Daemon, month: str, scored_by: int) -> None:
    """Published features of a month, without their look-up."""
    root = daemon.settings.published_dir / "tiny"
    with new_folder(features_dir(root, month)) as folder:
        write_manifest(folder, FeaturesManifest("tiny", month, 1, ("usage",), scored_by, {}))
    go_live(root, "tiny", features_month=month)


def test_a_new_champion_scores_the_newest_month_once(daemon: Daemon):
    """Also after a rollback; and never in a loop, should scoring fail."""
    root = daemon.settings.published_dir / "tiny"
    assert asked(daemon, "tiny_rescoring") == []
    go_live(root, "tiny", champion=1)
    publish(daemon, "2025-02", scored_by=1)
    assert asked(daemon, "tiny_rescoring") == []
    go_live(root, "tiny", champion=2)
    assert asked(daemon, "tiny_rescoring", TICKS_A_MONTH) == [(FEBRUARY, FEBRUARY)]
    publish(daemon, "2025-02", scored_by=2)
    go_live(root, "tiny", champion=1)
    assert asked(daemon, "tiny_rescoring", TICKS_A_MONTH) == [(FEBRUARY, FEBRUARY)]


def test_the_first_champion_scores_the_newest_features(daemon: Daemon):
    """Where nothing was published yet, the newest month that has features is scored."""
    daemon.materialize("customer_features", JANUARY, FEBRUARY)
    go_live(daemon.settings.published_dir / "tiny", "tiny", champion=1)
    assert asked(daemon, "tiny_rescoring") == [(FEBRUARY, FEBRUARY)]


def following(daemon: Daemon, first: date, last: date, tag: str = "tiny") -> dict[str, tuple[date, date]]:
    """What is asked for after a run of features: job -> months."""
    sensors = {sensor.name: sensor for sensor in automate([TINY], daemon.settings).sensors}
    tags = {AUTOMATION_TAG: tag} | dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True))
    run = DagsterRun("tiny_features", tags=tags)
    context = build_run_status_sensor_context(
        sensor_name="tiny_after_features",
        dagster_event=DagsterEvent("PIPELINE_SUCCESS", "tiny_features"),
        dagster_instance=daemon.instance,
        dagster_run=run,
    )
    found = list(sensors["tiny_after_features"](context))
    return {it.job_name: months_of_tags(it.tags) for it in found if hasattr(it, "job_name")}


def test_features_are_followed_by_scores_and_drift(daemon: Daemon):
    """The newest month is scored, the whole range is watched, logged answers are taken over where some wait; without
    a champion there is a first training."""
    assert following(daemon, JANUARY, FEBRUARY) == {"tiny_training": (FEBRUARY, FEBRUARY)}
    go_live(daemon.settings.published_dir / "tiny", "tiny", champion=1)
    log = daemon.settings.serving_log_dir / "tiny"
    log.mkdir(parents=True)
    (log / "1.seg").touch()
    assert following(daemon, JANUARY, FEBRUARY) == {
        "tiny_serving": (FEBRUARY, FEBRUARY),
        "tiny_scores": (FEBRUARY, FEBRUARY),
        "tiny_monitoring": (JANUARY, FEBRUARY),
    }


def test_an_older_month_is_not_scored_again(daemon: Daemon):
    """What an old month was scored with stays; its drift is measured anew."""
    go_live(daemon.settings.published_dir / "tiny", "tiny", champion=1, features_month="2025-03")
    assert set(following(daemon, JANUARY, FEBRUARY)) == {"tiny_monitoring"}


def test_runs_by_hand_are_left_alone(daemon: Daemon):
    """Whoever runs features by hand says what follows."""
    assert following(daemon, JANUARY, FEBRUARY, tag="somebody") == {}


@pytest.mark.parametrize("switch", ["landing", "retraining", "rescoring"])
def test_each_sensor_has_a_switch(daemon: Daemon, tmp_path: Path, switch: str):
    """Switched off, it does not run from the start."""
    settings = daemon.settings.model_copy(update={f"automation_{switch}": False})
    status = {sensor.name: sensor.default_status.value for sensor in automate([TINY], settings).sensors}
    assert status[f"tiny_{switch}"] == "STOPPED"
    assert sorted(status.values()).count("RUNNING") == (2 if switch == "landing" else 3)
