"""No recorded outcome is lost, whenever the process is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from churn_platform.published.outcome_log import OUTCOMES
from churn_platform.published.prediction_log import load_segment
from churn_platform_tests.support.outcomes import outcome
from serving.page.outcomes import OutcomeLog
from serving.page.store import Store


def in_log(folder: Path) -> set[str]:
    """The ids of all outcomes of a log."""
    segments = [path for path in folder.glob("*/*") if path.suffix in (".open", ".seg")]
    return {each.outcome_id for path in segments for each in load_segment(path, OUTCOMES).records}


def killed_after(folder: Path, worker: str, count: int) -> list[str]:
    """Acknowledged outcomes of a process that is killed after so many."""
    command = [sys.executable, "-m", "churn_platform_tests.support.outcome_writer"]
    process = subprocess.Popen([*command, str(folder), worker], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    heard = [process.stdout.readline().strip() for _ in range(count)]
    process.kill()
    heard += process.stdout.read().split("\n")[:-1]
    process.wait()
    return heard


def check_kills(folder: Path, kills: int) -> None:
    """Every acknowledged outcome is in the log, and shown by the process that comes next."""
    heard: list[str] = []
    for kill in range(kills):
        heard += killed_after(folder, f"w{kill}", 1 + kill * 3)
    store = Store(folder / "page.sqlite")
    log = OutcomeLog(folder / "outcomes", store, worker="after", max_age_seconds=60)
    shown = {each.outcome_id for each in store.outcomes("tiny", "C1")}
    log.close()
    store.close()
    assert len(heard) >= kills
    assert set(heard) <= in_log(folder / "outcomes")
    assert set(heard) <= shown


def test_a_killed_process_loses_no_outcome(tmp_path):
    """Twice here, quickly; the slow test does it twenty times."""
    check_kills(tmp_path, 2)


@pytest.mark.slow
def test_twenty_killed_processes_lose_no_outcome(tmp_path):
    """`kill -9` at twenty places."""
    check_kills(tmp_path, 20)


def test_what_was_logged_and_not_shown_is_shown_after_a_start(tmp_path):
    """A process that dies between log and store: the log is the record."""
    first = Store(tmp_path / "one.sqlite")
    log = OutcomeLog(tmp_path / "outcomes", first, worker="w1", max_age_seconds=60)
    log.record(outcome())
    log.close()
    first.close()
    second = Store(tmp_path / "two.sqlite")
    OutcomeLog(tmp_path / "outcomes", second, worker="w2", max_age_seconds=60).close()
    assert [each.outcome_id for each in second.outcomes("tiny", "C1")] == ["o1"]
    second.close()
