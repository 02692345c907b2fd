"""Counts of an experiment: they outlive what counted them, and a reset holds everywhere at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from churn_platform_tests.serving.storage.test_log_writer import files_of_at_most
from serving.errors import NotReady
from serving.traffic.counts import wilson
from serving.traffic.experiment_counts import Counts, ExperimentCounts

KILLED = """
import os, signal, sys
from pathlib import Path
from serving.traffic.experiment_counts import ExperimentCounts
count = ExperimentCounts(Path(sys.argv[1])).count_of("tiny", "champion", 1)
for _ in range(3):
    count.add(0.75, True, 0.002)
os.kill(os.getpid(), signal.SIGKILL)
"""


def total(counts: ExperimentCounts) -> Counts:
    """What is counted of the champion."""
    return counts.total("tiny", "champion", 1)


def files(folder: Path) -> list[str]:
    """Names of the files that are counted in."""
    return sorted(path.name for path in (folder / "tiny").glob("*.counts"))


def test_what_a_killed_worker_counted_stays_and_its_file_is_taken_over(tmp_path):
    """Three answers before kill -9, one afterwards, in one file; the sums are those of the four."""
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    counts = ExperimentCounts(tmp_path)
    assert total(counts).predictions == 3
    counts.count_of("tiny", "champion", 1).add(0.25, False, 0.001)
    found = total(counts)
    assert (found.churned, found.stayed, found.score_sum, found.squares) == (3, 1, 2.5, 1.75)
    assert found.seconds_sum == pytest.approx(0.007)
    assert (sum(found.scores), sum(found.latencies)) == (4, 4)
    assert files(tmp_path) == ["champion-1-0.counts"]


def test_workers_count_in_files_of_their_own_and_any_adds_them_up(tmp_path):
    """Two at once; the file of one that has ended is the next one's."""
    one, other = ExperimentCounts(tmp_path), ExperimentCounts(tmp_path)
    for counts in (one, other):
        counts.count_of("tiny", "champion", 1).add(0.5, True, 0.001)
    assert total(one).predictions == total(other).predictions == 2
    one.close()
    ExperimentCounts(tmp_path).count_of("tiny", "champion", 1).add(0.5, True, 0.001)
    assert total(other).predictions == 3
    assert files(tmp_path) == ["champion-1-0.counts", "champion-1-1.counts"]


def test_a_reset_holds_in_every_worker_at_once(tmp_path):
    """The other worker's counts are worth nothing before it answers again; then it counts from
    zero.
    """
    one, other = ExperimentCounts(tmp_path), ExperimentCounts(tmp_path)
    count = other.count_of("tiny", "champion", 1)
    count.add(0.5, True, 0.001)
    one.reset("tiny")
    assert total(one).predictions == total(other).predictions == 0
    count.add(0.5, True, 0.001)
    assert total(one).predictions == total(other).predictions == 1
    assert one.began_at_us("tiny") == other.began_at_us("tiny") > 0


def test_a_reset_takes_nothing_from_the_metrics(tmp_path):
    """What Prometheus was not told yet is handed over, counted before the reset or after."""
    counts = ExperimentCounts(tmp_path)
    count = counts.count_of("tiny", "champion", 1)
    count.add(0.5, True, 0.001)
    counts.reset("tiny")
    count.add(0.25, False, 0.001)
    taken = count.take()
    assert (taken.churned, taken.stayed, taken.score_sum) == (1, 1, 0.75)
    assert count.take().predictions == 0


def test_every_reset_is_a_later_one(tmp_path):
    """Resets at the same moment follow each other, and none fails."""
    counts = [ExperimentCounts(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: counts[number % 4].reset("tiny"), range(40)))
    before = counts[0].began_at_us("tiny")
    counts[1].reset("tiny")
    assert counts[0].began_at_us("tiny") > before


def test_a_reset_removes_the_files_that_nobody_counts_in(tmp_path):
    """Versions come and go for years; those who count still keep theirs."""
    ended, running = ExperimentCounts(tmp_path), ExperimentCounts(tmp_path)
    ended.count_of("tiny", "challenger", 7)
    ended.close()
    running.count_of("tiny", "champion", 1)
    running.reset("tiny")
    assert files(tmp_path) == ["champion-1-0.counts"]


@pytest.mark.parametrize("damage", [b"", b"\xff" * 4096, b"\0" * 4096, b"\1" * 11])
def test_a_damaged_file_is_worth_nothing(tmp_path, damage):
    """Whatever lies there, counts are none below zero; the next worker begins it anew."""
    first = ExperimentCounts(tmp_path)
    first.count_of("tiny", "champion", 1).add(0.5, True, 0.001)
    first.close()
    (tmp_path / "tiny" / "champion-1-0.counts").write_bytes(damage)
    counts = ExperimentCounts(tmp_path)
    assert total(counts).predictions == 0
    counts.count_of("tiny", "champion", 1).add(0.5, True, 0.001)
    assert total(counts).predictions == 1


def test_a_worker_without_space_counts_for_itself(tmp_path, caplog):
    """It lives, and says so; a reset that cannot be written is refused."""
    counts = ExperimentCounts(tmp_path)
    with files_of_at_most(4):
        counts.count_of("tiny", "champion", 1).add(0.5, True, 0.001)
        assert total(counts).predictions == 1
        with pytest.raises(NotReady, match="free space there"):
            counts.reset("tiny")
    assert "no space to count" in caplog.text


@pytest.mark.parametrize(("successes", "trials"), [(60, 40), (-44, 40), (5, -44), (0, 0)])
def test_intervals_take_no_root_of_a_negative_number(successes, trials):
    """Whatever was counted, a share lies in its interval, between 0 and 1, or there is none."""
    share = wilson(successes, trials)
    if share.value is not None:
        assert 0 <= share.low <= share.value <= share.high <= 1
