"""The prediction log: what `append` returned from is there, after kill -9 and full disks too."""

import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from churn_platform.published.prediction_log import CLOSED_SUFFIX, OPEN_SUFFIX, read_segment
from churn_platform_tests.support.invariants import invariant
from churn_platform_tests.support.predictions import prediction
from serving.errors import LogUnavailable
from serving.storage.log_segment import close_dead_segments
from serving.storage.log_writer import PredictionLog, log_lag_seconds

ROOT = Path(__file__).parents[3]


def ids(folder: Path, suffix: str = "") -> list[str]:
    """Request ids in a folder's segments, oldest segment first."""
    segments = [
        path
        for path in sorted(folder.glob(f"*{suffix}"))
        if path.suffix in (OPEN_SUFFIX, CLOSED_SUFFIX)
    ]
    return [item.request_id for path in segments for item in read_segment(path)]


@pytest.fixture
def log(tmp_path):
    """A log that closes no segment on its own."""
    log = PredictionLog(tmp_path, worker="w1", max_age_seconds=1_000)
    yield log
    log.close()


def test_a_record_is_in_the_file_when_append_returns(log, tmp_path):
    """A reader sees it at once: nothing waits in the process."""
    log.append(prediction(request_id="r1"))
    assert ids(tmp_path) == ["r1"]
    log.append_many([prediction(request_id="r2", item=0), prediction(request_id="r2", item=1)])
    assert ids(tmp_path) == ["r1", "r2", "r2"]


def test_an_idle_worker_leaves_no_file(tmp_path):
    """A segment is opened by the first record."""
    PredictionLog(tmp_path, worker="w1").close()
    assert ids(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_full_segment_is_closed_and_the_next_one_opened(tmp_path):
    """Size closes a segment; no record is lost on the way."""
    log = PredictionLog(tmp_path, worker="w1", max_bytes=500)
    for number in range(20):
        log.append(prediction(request_id=f"r{number}"))
    log.close()
    assert len(list(tmp_path.glob(f"*{CLOSED_SUFFIX}"))) > 3
    assert ids(tmp_path, CLOSED_SUFFIX) == [f"r{number}" for number in range(20)]


def test_an_old_segment_is_closed_without_another_request(tmp_path):
    """Age closes a segment even where nobody asks any more."""
    log = PredictionLog(tmp_path, worker="w1", max_age_seconds=0, fsync_seconds=0.01)
    log.append(prediction())
    waited_until = time.monotonic() + 5
    while not list(tmp_path.glob(f"*{CLOSED_SUFFIX}")) and time.monotonic() < waited_until:
        time.sleep(0.01)
    assert ids(tmp_path, CLOSED_SUFFIX) == ["r1"]
    log.close()


def test_a_deleted_folder_is_made_again_within_a_second(tmp_path):
    """Records that would go to a deleted file find a new one; what was deleted stays so."""
    log = PredictionLog(tmp_path / "tiny", worker="w1", fsync_seconds=0.01)
    log.append(prediction(request_id="r1"))
    shutil.rmtree(tmp_path / "tiny")
    waited_until = time.monotonic() + 5
    while log._segment and time.monotonic() < waited_until:
        time.sleep(0.01)
    log.append(prediction(request_id="r2"))
    assert ids(tmp_path / "tiny") == ["r2"]
    log.close()


def test_threads_share_a_log(log, tmp_path):
    """Records of several threads neither mix nor vanish."""

    def write(thread: int) -> None:
        for number in range(200):
            log.append(prediction(request_id=f"{thread}-{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(tmp_path)) == sorted(
        f"{thread}-{number}" for thread in range(4) for number in range(200)
    )


def test_a_living_worker_keeps_its_segment(log, tmp_path):
    """A worker that starts closes segments of the dead alone."""
    log.append(prediction(request_id="r1"))
    other = PredictionLog(tmp_path, worker="w2")
    assert list(tmp_path.glob(f"*{CLOSED_SUFFIX}")) == []
    log.append(prediction(request_id="r2"))
    other.append(prediction(request_id="r3"))
    other.close()
    assert ids(tmp_path, CLOSED_SUFFIX) == ["r3"]
    assert ids(tmp_path, OPEN_SUFFIX) == ["r1", "r2"]


def test_a_record_that_cannot_be_encoded_harms_no_other(log, tmp_path):
    """What is no text raises before anything is written."""
    log.append(prediction(request_id="r1"))
    with pytest.raises(UnicodeEncodeError):
        log.append_many([prediction(request_id="r2"), prediction(request_id="\ud800")])
    log.append(prediction(request_id="r3"))
    assert ids(tmp_path) == ["r1", "r3"]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that is full once a file has `size` bytes. It holds for the whole process, so only for
    a short block.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@invariant("Service", "A full disk leaves whole records only.")
def test_a_full_disk_keeps_whole_records_and_is_survived(log, tmp_path):
    """The record that does not fit is refused whole; when there is space again, the log goes on."""
    log.append(prediction(request_id="r1"))
    (segment,) = tmp_path.glob(f"*{OPEN_SUFFIX}")
    size = segment.stat().st_size
    with files_of_at_most(size + 50):
        with pytest.raises(LogUnavailable, match="free space"):
            log.append(prediction(request_id="r2"))
        assert not log.available
        with pytest.raises(LogUnavailable):
            log.check()
    assert segment.stat().st_size == size
    log.check()
    assert log.available
    log.append(prediction(request_id="r3"))
    assert ids(tmp_path) == ["r1", "r3"]


def test_a_log_finds_space_again_without_a_request(log):
    """Readiness comes back by itself."""
    log.append(prediction())
    with files_of_at_most(10), pytest.raises(LogUnavailable):
        log.append(prediction())
    waited_until = time.monotonic() + 5
    while not log.available and time.monotonic() < waited_until:
        time.sleep(0.05)
    assert log.available


def test_a_disk_that_is_full_from_the_start_leaves_no_file(log, tmp_path):
    """A segment whose header does not fit is taken away again."""
    with files_of_at_most(4), pytest.raises(LogUnavailable):
        log.append(prediction())
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_segment_that_cannot_be_cut_back_is_given_up(log, tmp_path, monkeypatch):
    """Half a record then ends its segment, where readers stop, and the next
    record starts another.
    """

    def refuse(*_: object) -> None:
        raise OSError("read-only file system")

    log.append(prediction(request_id="r1"))
    (segment,) = tmp_path.glob(f"*{OPEN_SUFFIX}")
    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", refuse)
        with files_of_at_most(segment.stat().st_size + 50), pytest.raises(LogUnavailable):
            log.append(prediction(request_id="r2"))
    log.append(prediction(request_id="r3"))
    assert ids(tmp_path) == ["r1", "r3"]


def test_a_folder_that_cannot_be_written_at_the_start_is_tried_again(tmp_path):
    """Records are refused meanwhile; then the log goes on by itself, and closes what a dead writer
    left.
    """
    folder = tmp_path / "tiny"
    folder.touch()
    log = PredictionLog(folder, worker="w1", fsync_seconds=0.01)
    assert not log.available
    with pytest.raises(LogUnavailable, match="correct the rights"):
        log.append(prediction())
    folder.unlink()
    folder.mkdir()
    (folder / f"1-w0{OPEN_SUFFIX}").touch()
    waited_until = time.monotonic() + 5
    while not (log.available and log._is_prepared) and time.monotonic() < waited_until:
        time.sleep(0.01)
    log.append(prediction(request_id="r1"))
    assert (folder / f"1-w0{CLOSED_SUFFIX}").exists()
    log.close()
    assert ids(folder) == ["r1"]


def test_a_dead_segment_that_cannot_be_closed_harms_no_record(tmp_path, monkeypatch, caplog):
    """Where new records can be written the log is available after the first look, and stays so."""

    def refuse(_: Path) -> None:
        raise PermissionError("another user's segment")

    monkeypatch.setattr("serving.storage.log_writer.close_dead_segments", refuse)
    log = PredictionLog(tmp_path, worker="w1", fsync_seconds=0.01)
    waited_until = time.monotonic() + 5
    while not log.available and time.monotonic() < waited_until:
        time.sleep(0.01)
    time.sleep(0.1)
    assert log.available
    assert caplog.text.count("prediction log cannot be written") == 1
    log.close()


def test_the_lag_is_that_of_the_oldest_segment(tmp_path):
    """Files of other names, such as a copy that somebody left, do not count."""
    for name in ("2000000-w1-1.seg", "5000000-w1-1.seg", "backup-old.seg", "1000000-w1-1.open"):
        (tmp_path / name).touch()
    assert log_lag_seconds(tmp_path, 12.0) == 10
    assert log_lag_seconds(tmp_path / "nowhere", 12.0) == 0


@invariant("Service", "Every acknowledged record of the prediction log survives `kill -9`.")
def test_every_acknowledged_record_survives_kill_9(tmp_path):
    """Killed five times in the middle of writing: each acknowledged record is there once, and
    segments get closed.
    """
    acknowledged: list[str] = []
    for life in range(5):
        command = [
            sys.executable,
            "-m",
            "churn_platform_tests.support.log_writer",
            str(tmp_path),
            f"w{life}",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
            assert writer.stdout is not None
            acknowledged += [writer.stdout.readline().strip() for _ in range(200 + 37 * life)]
            writer.kill()
            rest = writer.stdout.read().split("\n")[
                :-1
            ]  # the last one may be torn: nobody was told
        acknowledged += rest
    close_dead_segments(tmp_path)
    logged = ids(tmp_path, CLOSED_SUFFIX)
    assert list(tmp_path.glob(f"*{OPEN_SUFFIX}")) == []
    assert set(acknowledged) <= set(logged)
    assert (
        len(set(logged) - set(acknowledged)) <= 5
    )  # written, but killed before the acknowledgement
    assert max(Counter(logged).values()) == 1
