"""Segments of the prediction log reach the lake exactly once, whatever is killed or repeated."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest

from churn_platform.errors import DataError
from churn_platform.ingest.hashing import set_keys
from churn_platform.ingest.suppression import suppress
from churn_platform.published.prediction_log import PREDICTIONS, Prediction
from churn_platform.serving_log import log_ingestion
from churn_platform.serving_log.log_ingestion import Ingested, check_damaged, ingest_segments
from churn_platform.warehouse.lake import Lake, connect
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.predictions import prediction
from churn_platform_tests.support.tiny import FEBRUARY, JANUARY
from serving.storage.log_writer import PredictionLog

NEW_YEAR_US = 1_735_689_600_000_000  # 2025-01-01 00:00 UTC
FEBRUARY_US = 1_738_368_000_000_000


@pytest.fixture
def connection(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty lake."""
    with closing(connect(lake)) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the service logs."""
    return tmp_path / "log"


def log(folder: Path, *predictions: Prediction) -> Path:
    """Write a closed segment as a worker does; its path."""
    before = set(folder.glob("*.seg"))
    worker = PredictionLog(folder, worker="w1")
    worker.append_many(predictions)
    worker.close()
    (segment,) = set(folder.glob("*.seg")) - before
    return segment


def ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Request ids in the lake."""
    return [
        row[0]
        for row in connection.execute(
            "select request_id from tiny.serving_log order by all"
        ).fetchall()
    ]


def test_an_answer_comes_out_as_it_was_given(connection, lake, folder):
    """Every field is there, times in UTC, missing features as NaN and by name."""
    segment = log(folder, prediction(at_us=NEW_YEAR_US + 1))
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(
        segments=1, predictions=1, torn=0
    )
    cursor = connection.execute("select * from tiny.serving_log")
    row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    np.testing.assert_array_equal(row.pop("features"), [1.5, np.nan])
    assert row == {
        "month": JANUARY,
        "predicted_at": datetime(2025, 1, 1, 0, 0, 0, 1),
        "request_id": "r1",
        "item": 0,
        "customer_id": "C1",
        "model_version": 3,
        "arm": "champion",
        "churn_probability": 0.25,
        "risk_tier": "high",
        "features_month": "2026-10",
        "missing_features": ["age_years"],
        "latency_ms": 0.8,
        "experiment": None,
        "experiment_arm": None,
        "segment": segment.name,
    }
    assert list(folder.glob("*.seg")) == []


def test_an_answer_belongs_to_the_month_of_its_request(connection, lake, folder):
    """A segment over midnight of the last day fills two months."""
    log(folder, prediction(item=0, at_us=FEBRUARY_US - 1), prediction(item=1, at_us=FEBRUARY_US))
    ingest_segments(connection, lake, "tiny", folder)
    months = connection.execute("select month from tiny.serving_log order by month").fetchall()
    assert months == [(JANUARY,), (FEBRUARY,)]


def test_a_month_is_the_operators_own(connection, lake, folder):
    """Late on the last evening in Chicago it is February in UTC; times stay in UTC."""
    hour_us = 3600 * 1_000_000
    answers = [prediction(item=hour, at_us=FEBRUARY_US + hour * hour_us) for hour in (5, 6)]
    log(folder, *answers)
    ingest_segments(connection, lake, "tiny", folder, timezone="America/Chicago")
    found = "select month, predicted_at from tiny.serving_log order by all"
    assert connection.execute(found).fetchall() == [
        (JANUARY, datetime(2025, 2, 1, 5)),
        (FEBRUARY, datetime(2025, 2, 1, 6)),
    ]


def test_an_answer_that_was_counted_by_another_zone_comes_once(connection, lake, folder):
    """A damaged segment may come back after the spec's zone has been changed."""
    log(folder, prediction(at_us=FEBRUARY_US))
    ingest_segments(connection, lake, "tiny", folder)
    log(folder, prediction(at_us=FEBRUARY_US))
    ingest_segments(connection, lake, "tiny", folder, timezone="America/Chicago")
    assert ids(connection) == ["r1"]


def test_without_segments_there_is_an_empty_table(connection, lake, folder):
    """Who reads the log need not ask whether the service has ever run."""
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(0, 0, 0)
    assert ids(connection) == []


def test_a_segment_that_is_being_written_is_left_alone(connection, lake, folder):
    """Only closed segments are taken."""
    worker = PredictionLog(folder, worker="w1")
    worker.append(prediction(request_id="r1"))
    assert ingest_segments(connection, lake, "tiny", folder).segments == 0
    worker.close()
    assert ingest_segments(connection, lake, "tiny", folder).segments == 1
    assert ids(connection) == ["r1"]


@pytest.mark.parametrize("killed_in", ["read_segments", "_insert", "_put_away"])
@invariant("Service", "An answer reaches the lake once, wherever ingestion is killed.")
def test_a_run_killed_between_its_steps_loses_and_doubles_nothing(
    connection, lake, folder, killed_in, monkeypatch
):
    """Before the commit nothing is kept, after it the next run only removes the file."""
    log(folder, prediction(request_id="r1"))
    log(folder, prediction(request_id="r2"))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(log_ingestion, killed_in, die)
        ingest_segments(connection, lake, "tiny", folder)
    assert len(list(folder.glob("*.seg"))) == 2
    assert ids(connection) == (["r1", "r2"] if killed_in == "_put_away" else [])
    ingest_segments(connection, lake, "tiny", folder)
    assert ids(connection) == ["r1", "r2"]
    assert list(folder.glob("*.seg")) == []


def test_a_segment_that_comes_back_is_not_taken_again(connection, lake, folder):
    """A file restored from a backup is known by name and contents."""
    segment = log(folder, prediction(request_id="r1"))
    content = segment.read_bytes()
    ingest_segments(connection, lake, "tiny", folder)
    segment.write_bytes(content)
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(0, 0, 0)
    assert (ids(connection), segment.exists()) == (["r1"], False)


def test_two_segments_of_one_name_are_an_error(connection, lake, folder):
    """Two hosts that write into one folder under one name must not hide each other's answers."""
    first = log(folder, prediction(request_id="r1"))
    ingest_segments(connection, lake, "tiny", folder)
    log(folder, prediction(request_id="r2")).rename(first)
    with pytest.raises(DataError, match="other contents"):
        ingest_segments(connection, lake, "tiny", folder)
    assert first.exists()


def test_a_torn_segment_gives_its_whole_records_and_is_kept(connection, lake, folder):
    """Half a record was never acknowledged; the file stays for whoever wants to know."""
    segment = log(folder, prediction(request_id="r1"), prediction(request_id="r2"))
    segment.write_bytes(segment.read_bytes()[:-1])
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(
        segments=1, predictions=1, torn=1
    )
    assert ids(connection) == ["r1"]
    assert (folder / "torn" / segment.name).exists()
    assert ingest_segments(connection, lake, "tiny", folder).segments == 0


def test_a_segment_without_a_whole_header_holds_nothing(connection, lake, folder):
    """A worker that died while it opened its segment had acknowledged nothing."""
    folder.mkdir()
    (folder / f"{NEW_YEAR_US:016d}-w1.seg").write_bytes(PREDICTIONS.magic)
    assert ingest_segments(connection, lake, "tiny", folder).predictions == 0
    assert connection.execute("select month from tiny.serving_log_segments").fetchall() == [
        (date(2025, 1, 1),)
    ]


def test_another_portfolios_segment_is_refused(connection, lake, folder):
    """A folder that was mixed up does not end in the wrong table."""
    segment = log(folder, prediction(portfolio="other"))
    with pytest.raises(DataError, match="records of other in the log of tiny"):
        ingest_segments(connection, lake, "tiny", folder)
    assert segment.exists()
    assert ids(connection) == []


def test_many_segments_take_several_transactions(connection, lake, folder, monkeypatch):
    """Memory stays bounded; a group holds one segment at least."""
    monkeypatch.setattr(log_ingestion, "TRANSACTION_BYTES", 250)
    for number in range(5):
        log(folder, prediction(request_id=f"r{number}"))
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(
        segments=5, predictions=5, torn=0
    )
    assert ids(connection) == [f"r{number}" for number in range(5)]


def test_answers_on_an_erased_customer_do_not_come_back(connection, lake, folder):
    """A request after the erasure brings neither id nor features into the lake; others' answers
    come.
    """
    set_keys(connection, "secret")
    suppress(connection, "tiny", JANUARY, customer_id="C1", numbers=[])
    log(
        folder,
        prediction(request_id="r1", customer_id="C1"),
        prediction(request_id="r2", customer_id="C2"),
        prediction(request_id="r3", customer_id=None),
    )
    ingest_segments(connection, lake, "tiny", folder)
    assert ids(connection) == ["r2", "r3"]


def test_a_torn_segment_that_names_an_erased_customer_is_not_put_aside(connection, lake, folder):
    """Its whole answers on others are in the lake; what was torn off was never sent."""
    set_keys(connection, "secret")
    suppress(connection, "tiny", JANUARY, customer_id="C1", numbers=[])
    segment = log(
        folder, prediction(request_id="r1", customer_id="C1"), prediction(request_id="r2")
    )
    segment.write_bytes(segment.read_bytes()[:-1])
    ingest_segments(connection, lake, "tiny", folder)
    assert ids(connection) == []
    assert not segment.exists()
    assert not (folder / "torn").exists()


def flip_a_bit_of(path: Path, text: bytes) -> bytes:
    """Change a byte of the record that holds `text`; the contents as they were."""
    whole = path.read_bytes()
    at = whole.index(text)
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    return whole


def damaged_segment(folder: Path) -> tuple[Path, bytes]:
    """A segment of three answers of which the second is damaged, and its contents before."""
    segment = log(folder, *(prediction(request_id=name) for name in ("first", "second", "third")))
    return segment, flip_a_bit_of(segment, b"second")


def test_answers_behind_a_damaged_one_are_kept(connection, lake, folder):
    """Each was acknowledged; a flipped bit takes one answer and no more."""
    segment, _ = damaged_segment(folder)
    done = ingest_segments(connection, lake, "tiny", folder)
    assert done == Ingested(segments=1, predictions=2, torn=0, damaged=1)
    assert ids(connection) == ["first", "third"]
    assert (folder / "damaged" / segment.name).exists()


def test_damage_is_an_error_until_somebody_deals_with_it(connection, lake, folder):
    """It names the file, the place, and what to do; removing the file accepts the loss."""
    segment, _ = damaged_segment(folder)
    ingest_segments(connection, lake, "tiny", folder)
    with pytest.raises(
        DataError, match=rf"{segment.name} at byte \d+ .*{segment.name} from a back-up"
    ):
        check_damaged(folder)
    (folder / "damaged" / segment.name).unlink()
    check_damaged(folder)


def test_a_damaged_segment_that_is_restored_doubles_nothing(connection, lake, folder):
    """Only the answer that could not be read is added, once, and nothing waits any more."""
    segment, whole = damaged_segment(folder)
    ingest_segments(connection, lake, "tiny", folder)
    segment.write_bytes(whole)
    assert ingest_segments(connection, lake, "tiny", folder).predictions == 1
    assert ids(connection) == ["first", "second", "third"]
    check_damaged(folder)
    segment.write_bytes(whole)
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(0, 0, 0)
    assert ids(connection) == ["first", "second", "third"]


def test_a_ledger_of_an_earlier_version_is_read(connection, lake, folder):
    """It has no column for damage."""
    segment = log(folder, prediction(request_id="r1"))
    whole = segment.read_bytes()
    ingest_segments(connection, lake, "tiny", folder)
    connection.execute("alter table tiny.serving_log_segments drop column damaged_bytes")
    segment.write_bytes(whole)
    assert ingest_segments(connection, lake, "tiny", folder) == Ingested(0, 0, 0)
    log(folder, prediction(request_id="r2"))
    assert ingest_segments(connection, lake, "tiny", folder).segments == 1


def test_answers_of_an_earlier_version_are_in_no_arm(connection, lake, folder):
    """Their table gains the columns, and their segments have neither field."""
    log(folder, prediction(request_id="r1"))
    ingest_segments(connection, lake, "tiny", folder)
    for column in ("experiment", "experiment_arm"):
        connection.execute(f"alter table tiny.serving_log drop column {column}")
    log(folder, prediction(request_id="r2", experiment="trial-1", experiment_arm="control"))
    ingest_segments(connection, lake, "tiny", folder)
    rows = connection.execute(
        "select experiment, experiment_arm from tiny.serving_log order by request_id"
    )
    assert rows.fetchall() == [(None, None), ("trial-1", "control")]
