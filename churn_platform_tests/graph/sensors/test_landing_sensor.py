"""A month that lands is asked for once, and what follows it."""

from contextlib import closing
from datetime import date

import pytest
from dagster import (
    AssetKey,
    DagsterEvent,
    DagsterRun,
    DagsterRunStatus,
    build_run_status_sensor_context,
    materialize,
)

from churn_platform.graph.assets.ingest_assets import raw_assets
from churn_platform.graph.automation import automate
from churn_platform.graph.causes import cause
from churn_platform.graph.landed_tag import landed_tag
from churn_platform.graph.resources.warehouse import Warehouse
from churn_platform.graph.run_requests import AUTOMATION_TAG, BECAUSE_TAG, PRIORITY_TAG
from churn_platform.graph.runs import RANGE_TAGS, months_of_tags
from churn_platform.ingest.landed_months import landed_months
from churn_platform.ingest.landing_reasons import Waiting, why_nothing
from churn_platform.published.live_file import go_live
from churn_platform.warehouse.lake import Lake
from churn_platform_tests.graph.conftest import Daemon
from churn_platform_tests.ingest.test_landed_months import land
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.tiny import APRIL, FEBRUARY, JANUARY, MARCH, TINY

MANY_TICKS = 12


def deliver(daemon: Daemon, *months: date, content: str = "x") -> None:
    """Land every table of the months."""
    for month in months:
        for table in ("customers", "calls"):
            land(daemon.settings.landing_dir, table, f"{month:%Y-%m}.csv", content)


def asked(daemon: Daemon, name: str, ticks: int = 3) -> list[tuple[date, date]]:
    """The months that a sensor asks for in some ticks."""
    return [months_of_tags(request.tags) for _ in range(ticks) for request in daemon.tick(name)]


@invariant("Monitoring", "A landed month is asked for once, also where its run fails.")
def test_a_landed_month_is_asked_for_once(daemon: Daemon):
    """A month whose run fails for ever is asked for once however often the sensor looks; delivered
    again, once more.
    """
    assert asked(daemon, "tiny_landing") == []
    deliver(daemon, JANUARY, FEBRUARY)
    assert asked(daemon, "tiny_landing", MANY_TICKS) == [(JANUARY, FEBRUARY)]
    deliver(daemon, FEBRUARY, content="corrected")
    assert asked(daemon, "tiny_landing", MANY_TICKS) == [
        (JANUARY, JANUARY),
        (FEBRUARY, FEBRUARY),
    ]
    daemon.materialize("customer_features", JANUARY, FEBRUARY)
    deliver(daemon, MARCH)
    assert asked(daemon, "tiny_landing", MANY_TICKS) == [(MARCH, MARCH)]


def test_a_month_without_features_is_tried_again_apart_from_a_new_one(daemon: Daemon):
    """Both runs say why; a month that a run in progress makes is left to that."""
    deliver(daemon, JANUARY, FEBRUARY)
    assert asked(daemon, "tiny_landing") == [(JANUARY, FEBRUARY)]
    daemon.materialize("customer_features", FEBRUARY)
    deliver(daemon, MARCH)
    assert [
        request.tags[BECAUSE_TAG] for _ in range(3) for request in daemon.tick("tiny_landing")
    ] == [
        "no features yet: tried again with what has landed",
        "landed: 2025-03",
    ]
    tags = dict(zip(RANGE_TAGS, (JANUARY.isoformat(), JANUARY.isoformat()), strict=True))
    daemon.instance.add_run(DagsterRun("tiny_features", status=DagsterRunStatus.STARTED, tags=tags))
    deliver(daemon, APRIL)
    assert asked(daemon, "tiny_landing") == [(MARCH, MARCH), (APRIL, APRIL)]


def test_a_misnamed_file_is_told(daemon: Daemon):
    """The sensor passes it over, and says so wherever it asks for nothing."""
    land(daemon.settings.landing_dir, "calls", "2025-13.csv")
    assert daemon.skipped("tiny_landing") == (
        "no month has landed; "
        "not read, as no file with a name as 2025-01 with .parquet, .xlsx, .csv, .tsv, .txt, "
        ".csv.gz, .tsv.gz, .txt.gz, and no folder 2025-01 with parts and _SUCCESS: "
        "calls/2025-13.csv"
    )


def test_each_look_that_asks_for_nothing_says_why(daemon: Daemon):
    """Nothing landed, files that may be written to, a table that is missing, nothing new."""
    assert daemon.skipped("tiny_landing") == "no month has landed"
    deliver(daemon, JANUARY)
    land(daemon.settings.landing_dir, "customers", "2025-02.csv")
    assert daemon.skipped("tiny_landing") == (
        "2025-01 was seen, and is taken in if its files are the same in 30 s; "
        "2025-02 waits for calls"
    )
    assert len(daemon.tick("tiny_landing")) == 1
    assert daemon.skipped("tiny_landing") == (
        "nothing new: 1 months taken in, the newest 2025-01; 2025-02 waits for calls"
    )


def test_a_refused_month_waits_for_a_person(daemon: Daemon):
    """Until it is delivered again."""
    deliver(daemon, JANUARY, content="Colour\nred\n")
    assert asked(daemon, "tiny_landing") == [(JANUARY, JANUARY)]
    assert ingest(daemon, JANUARY, JANUARY)
    assert str(daemon.skipped("tiny_landing")).endswith(
        "2025-01 waits for you: ingest refused a file, deliver it again"
    )


def test_a_month_with_a_broken_contract_names_the_command(daemon: Daemon):
    """That accepts it, if it is right."""
    waiting = Waiting(settling=[], missing={}, early=[], refused=[], unsound=[JANUARY])
    assert why_nothing("tiny", [JANUARY], waiting, interval_seconds=30).endswith(
        "its data contract is broken; deliver it again, "
        "or if it is right `churn accept-data tiny --month 2025-01 --reason ...`"
    )


def test_a_landed_month_goes_before_a_training(daemon: Daemon):
    """In the queue, where a training would keep the scores of a new month waiting."""
    deliver(daemon, JANUARY)
    daemon.tick("tiny_landing")
    (features,) = daemon.tick("tiny_landing")
    daemon.flag(JANUARY)
    (training,) = daemon.tick("tiny_retraining")
    assert int(features.tags[PRIORITY_TAG]) > int(training.tags.get(PRIORITY_TAG, 0))


def test_files_may_come_back_to_what_they_were(daemon: Daemon):
    """A delivery taken back is a delivery: nothing is keyed by content for ever."""
    deliver(daemon, JANUARY)
    assert len(asked(daemon, "tiny_landing")) == 1
    (request,) = (daemon.cursors.clear(), daemon.tick("tiny_landing"), daemon.tick("tiny_landing"))[
        -1
    ]
    assert request.run_key is None


def test_what_was_run_by_hand_is_not_run_again(daemon: Daemon):
    """A daemon that is switched on after `churn run` leaves those months alone."""
    deliver(daemon, JANUARY)
    for table in ("customers", "calls"):
        daemon.materialize(table, JANUARY, schema="tiny_raw")
    assert asked(daemon, "tiny_landing") == []


def run_by_hand(daemon: Daemon, status: DagsterRunStatus) -> None:
    """A run of `churn run` over January and February, of the files as they are now."""
    landed = landed_months(daemon.settings.landing_dir, TINY)
    months = dict(zip(RANGE_TAGS, (JANUARY.isoformat(), FEBRUARY.isoformat()), strict=True))
    tags = months | landed_tag(landed, JANUARY, FEBRUARY)
    if status is DagsterRunStatus.SUCCESS:
        daemon.materialize("customer_features", JANUARY, FEBRUARY)
    daemon.instance.add_run(DagsterRun("tiny_features", status=status, tags=tags))


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTED, DagsterRunStatus.SUCCESS])
def test_what_a_run_by_hand_takes_in_is_left_to_it(daemon: Daemon, status: DagsterRunStatus):
    """Under a daemon that watches the same folder, too; what is delivered again is asked for."""
    assert asked(daemon, "tiny_landing") == []
    deliver(daemon, JANUARY, FEBRUARY, MARCH)
    run_by_hand(daemon, status)
    assert asked(daemon, "tiny_landing") == [(MARCH, MARCH)]
    deliver(daemon, FEBRUARY, content="corrected")
    assert (FEBRUARY, MARCH) in asked(daemon, "tiny_landing")


def test_a_run_by_hand_that_failed_takes_nothing_in(daemon: Daemon):
    """Its months are asked for as any that have landed."""
    assert asked(daemon, "tiny_landing") == []
    deliver(daemon, JANUARY, FEBRUARY)
    run_by_hand(daemon, DagsterRunStatus.FAILURE)
    assert asked(daemon, "tiny_landing") == [(JANUARY, FEBRUARY)]


def ingest(daemon: Daemon, first: date, last: date) -> str:
    """Load the customers of a range of months; why that failed, or nothing."""
    ran = materialize(
        raw_assets(TINY, daemon.settings),
        selection=[AssetKey(["tiny_raw", "customers"])],
        instance=daemon.instance,
        resources={"warehouse": Warehouse.of(Lake.of(daemon.settings))},
        tags=dict(zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True)),
        raise_on_error=False,
    )
    return "" if ran.success else cause(ran.all_events)


def test_a_file_that_ingest_refuses_does_not_stop_later_months(daemon: Daemon):
    """It parts the range until it is delivered again; months that failed beside
    it come along then.
    """
    good = "customer_id,phone_number,Plan price,joined_date\nC1,1,9.5,\n"
    deliver(daemon, JANUARY, MARCH, content=good)
    deliver(daemon, FEBRUARY, content=good.replace("Plan price", "Colour"))
    assert asked(daemon, "tiny_landing") == [(JANUARY, MARCH)]
    assert "2025-02.csv" in ingest(daemon, JANUARY, MARCH)
    with closing(daemon.connect()) as connection:
        loaded = connection.execute(
            "select month from tiny_raw.customers order by month"
        ).fetchall()
    assert [month for (month,) in loaded] == [JANUARY, MARCH]
    deliver(daemon, APRIL, content=good)
    assert asked(daemon, "tiny_landing") == [(MARCH, MARCH), (APRIL, APRIL)]
    assert ingest(daemon, MARCH, APRIL) == ""
    daemon.materialize("customer_features", MARCH, APRIL)
    deliver(daemon, FEBRUARY, content=good)
    assert asked(daemon, "tiny_landing") == [(JANUARY, JANUARY), (FEBRUARY, APRIL)]
    assert ingest(daemon, JANUARY, APRIL) == ""
    deliver(daemon, MARCH, content=good.replace("9.5", "10.5"))
    assert asked(daemon, "tiny_landing") == [(JANUARY, FEBRUARY), (MARCH, APRIL)]


def test_a_file_that_grows_is_taken_once_it_is_whole(daemon: Daemon):
    """At each look it is longer than before; then two looks find it the same."""
    land(daemon.settings.landing_dir, "customers", "2025-01.csv")
    for rows in range(1, 6):
        land(daemon.settings.landing_dir, "calls", "2025-01.csv", "id\n" + "1\n" * rows)
        assert daemon.tick("tiny_landing") == []
    assert asked(daemon, "tiny_landing") == [(JANUARY, JANUARY)]


def test_parts_are_taken_once_the_sender_says_so(daemon: Daemon):
    """However long nothing happens before; a marker is the sender's word, not silence."""
    land(daemon.settings.landing_dir, "customers", "2025-01.csv")
    parts = daemon.settings.landing_dir / "tiny" / "calls" / "2025-01"
    parts.mkdir(parents=True)
    for number in range(3):
        (parts / f"part-{number}.csv").write_text("id\n1\n")
        assert asked(daemon, "tiny_landing") == []
    (parts / "_SUCCESS").touch()
    assert asked(daemon, "tiny_landing") == [(JANUARY, JANUARY)]


def test_a_month_that_has_not_ended_waits(daemon: Daemon):
    """A file of a month to come is no partition yet."""
    deliver(daemon, date(2999, 1, 1))
    assert asked(daemon, "tiny_landing") == []


def following(
    daemon: Daemon, first: date, last: date, tag: str = "tiny"
) -> dict[str, tuple[date, date]]:
    """What is asked for after a run of features: job -> months."""
    sensors = {sensor.name: sensor for sensor in automate([TINY], daemon.settings).sensors}
    tags = {AUTOMATION_TAG: tag} | dict(
        zip(RANGE_TAGS, (first.isoformat(), last.isoformat()), strict=True)
    )
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
    """The newest month is scored, the whole range is watched, logged answers are taken over where
    some wait; without a champion there is a first training.
    """
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


def statuses(daemon: Daemon, **switches: bool) -> dict[str, str]:
    """Whether each sensor runs from the start, where some switches are set."""
    settings = daemon.settings.model_copy(
        update={f"automation_{name}": is_on for name, is_on in switches.items()}
    )
    return {
        sensor.name: sensor.default_status.value for sensor in automate([TINY], settings).sensors
    }


@pytest.mark.parametrize("switch", ["landing", "retraining", "rescoring"])
def test_each_sensor_has_a_switch(daemon: Daemon, switch: str):
    """Switched off, it does not run from the start; the others do, but for those that need a
    webhook.
    """
    stopped = {
        name for name, status in statuses(daemon, **{switch: False}).items() if status == "STOPPED"
    }
    assert stopped == {f"tiny_{switch}", "tiny_news", "failed_runs"}


@pytest.mark.parametrize(("landing", "schedule"), [(True, False), (False, True), (False, False)])
def test_features_are_followed_whoever_asks_for_them(daemon: Daemon, landing: bool, schedule: bool):
    """What follows them is on where the landing sensor or the schedule is."""
    status = statuses(daemon, landing=landing, schedule=schedule)
    assert (status["tiny_after_features"] == "RUNNING") == (landing or schedule)
