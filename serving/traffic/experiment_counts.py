"""What each version has answered since the last reset, in files that outlive workers and service.

Each worker counts a version in a file of its own, mapped into memory: what was counted survives a
killed worker, and the worker that is asked adds up the files of all. A worker that starts goes on
in a file that no one holds any more, so there are never more files of a version than there were
workers at once.

A reset writes one number that all workers share: when the experiment began. Every file says for
which beginning it counts; one of an earlier beginning is worth nothing from that moment on, and
its worker starts from zero at its next answer. Nothing is subtracted, so nothing can be negative.
"""

import fcntl
import os
import sys
import time
import zlib
from bisect import bisect_left
from pathlib import Path

import msgspec
import numpy as np

from serving.errors import NotReady
from serving.storage.counted_files import (
    BEGAN,
    HEAD_BYTES,
    NUMBER_BYTES,
    Claimed,
    Layout,
    claimed,
    counted,
    remove_unused,
    say_alone,
)
from serving.storage.shared_memory import shared_memory, take_space

MILLISECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 200, 500, 1000)
LATENCY_BUCKETS = tuple(milliseconds / 1000 for milliseconds in MILLISECONDS)
"""Upper bounds in seconds."""
SCORE_BUCKETS = tuple(round(step / 20, 2) for step in range(1, 21))

CHURNED, STAYED, SQUARES, SCORE_SUM, SECONDS_SUM = range(5)
FIRST_SCORE = SECONDS_SUM + 1
FIRST_LATENCY = FIRST_SCORE + len(SCORE_BUCKETS) + 1
NUMBERS = FIRST_LATENCY + len(LATENCY_BUCKETS) + 1

LAYOUT = Layout(NUMBERS, zlib.crc32(repr((LATENCY_BUCKETS, SCORE_BUCKETS, NUMBERS)).encode()))
"""Other buckets make another layout, whose files are not read."""

BEGAN_FILE = "began"
READS_MAX = 10
CLOCK_SETBACK_US = 86_400_000_000  # of a day; a beginning further ahead is no clock's


class Counts(msgspec.Struct, frozen=True):
    """Sums over the answers of one version; buckets each count their own, the last all beyond.

    squares: sum of the squared churn probabilities.
    """

    churned: float
    stayed: float
    squares: float
    score_sum: float
    seconds_sum: float
    scores: tuple[float, ...]
    latencies: tuple[float, ...]

    @property
    def predictions(self) -> float:
        """Number of answers."""
        return self.churned + self.stayed


def counts_of(numbers: np.ndarray) -> Counts:
    """The numbers of a file, (NUMBERS,) float64, by name."""
    found = numbers.tolist()
    return Counts(
        churned=found[CHURNED],
        stayed=found[STAYED],
        squares=found[SQUARES],
        score_sum=found[SCORE_SUM],
        seconds_sum=found[SECONDS_SUM],
        scores=tuple(found[FIRST_SCORE:FIRST_LATENCY]),
        latencies=tuple(found[FIRST_LATENCY:]),
    )


class VersionCount:
    """One version's counts by this process. The caller keeps threads apart."""

    def __init__(self, claim: Claimed, began: memoryview):
        self.claim = claim
        self._began_now = began
        self._head = claim.memory[:HEAD_BYTES].cast("q")
        self._numbers = claim.memory[HEAD_BYTES : LAYOUT.file_bytes].cast("d")

        # New, of an earlier beginning, or damaged.
        if LAYOUT.numbers_of(claim.memory, began[0]) is None:
            claim.begin(LAYOUT, began[0])

        self._handed_over = np.array(self._numbers)

    def add(self, churn_probability: float, is_churn: bool, seconds: float) -> None:
        """Count one answer."""
        numbers = self._numbers
        if self._head[BEGAN] != self._began_now[0]:
            self._begin_anew()

        numbers[CHURNED if is_churn else STAYED] += 1
        numbers[SQUARES] += churn_probability * churn_probability
        numbers[SCORE_SUM] += churn_probability
        numbers[SECONDS_SUM] += seconds
        numbers[FIRST_SCORE + bisect_left(SCORE_BUCKETS, churn_probability)] += 1
        numbers[FIRST_LATENCY + bisect_left(LATENCY_BUCKETS, seconds)] += 1

    def take(self) -> Counts:
        """What was counted since the last time, also over a reset in between."""
        now = np.array(self._numbers)
        fresh = np.maximum(now - self._handed_over, 0.0)
        self._handed_over = now
        return counts_of(fresh)

    def _begin_anew(self) -> None:
        # What was not taken yet must still be taken: it becomes the distance to zero.
        self._handed_over = self._handed_over - np.array(self._numbers)
        self.claim.begin(LAYOUT, self._began_now[0])


class ExperimentCounts:
    """The counts of every portfolio's versions, as this process keeps and reads them.

    folder: None keeps them in this process alone.
    """

    def __init__(self, folder: Path | None):
        self._folder = folder
        self._began: dict[str, memoryview] = {}
        self._alone: set[str] = set()  # portfolios whose beginning no other process sees
        self._own: dict[tuple[str, str, int], VersionCount] = {}

    def count_of(self, portfolio: str, role: str, version: int) -> VersionCount:
        """This process's counts of a version; the same object every time. Opens
        files the first time.
        """
        key = (portfolio, role, version)
        if key not in self._own:
            claim = claimed(
                self._folder_of(portfolio),
                f"{role}-{version}",
                LAYOUT,
            )
            self._own[key] = VersionCount(claim, self._beginning(portfolio))
        return self._own[key]

    def began_at_us(self, portfolio: str) -> int:
        """When the last reset was, in microseconds since 1970 (UTC); 0 if there was none."""
        return int(self._beginning(portfolio)[0])

    def total(self, portfolio: str, role: str, version: int) -> Counts:
        """What all processes have counted of a version since the last reset."""
        own = self._own.get((portfolio, role, version))
        claim = own.claim if own else None
        for _ in range(READS_MAX):
            began = self.began_at_us(portfolio)
            total = np.zeros(NUMBERS)
            for memory in counted(self._folder_of(portfolio), f"{role}-{version}", claim):
                numbers = LAYOUT.numbers_of(memory, began)
                if numbers is not None:
                    total += numbers

            # Reading takes no lock; a sum over files of two beginnings would be wrong, so it is
            # read again.
            if began == self.began_at_us(portfolio):
                break  # else a reset came in between, and some files may have been emptied

        return counts_of(total)

    def reset(self, portfolio: str) -> None:
        """Count from zero from now on, in every process; NotReady where that cannot be written."""
        beginning = self._beginning(portfolio)
        if self._folder is not None:
            self._write_reset(self._folder / portfolio)
        if portfolio in self._alone:
            beginning[0] = _later_than(beginning[0])

    @staticmethod
    def _write_reset(folder: Path) -> None:
        try:
            _write_beginning(folder / BEGAN_FILE)
            remove_unused(folder)
        except OSError as error:
            raise NotReady(
                f"{folder}: the reset cannot be written: {error}; free space there, "
                "or correct the rights"
            ) from error

    def close(self) -> None:
        """Leave the files to workers that start."""
        for own in self._own.values():
            own.claim.let_go()

    def _beginning(self, portfolio: str) -> memoryview:
        """The number that all processes share: when the experiment began."""
        found = self._began.get(portfolio)
        if found is None:
            found = self._began[portfolio] = self._opened_beginning(portfolio).cast("q")
        return found

    def _opened_beginning(self, portfolio: str) -> memoryview:
        if self._folder is not None:
            try:
                return shared_memory(self._folder / portfolio / BEGAN_FILE, NUMBER_BYTES)
            except OSError as error:
                say_alone(self._folder / portfolio, error)

        self._alone.add(portfolio)
        return memoryview(bytearray(NUMBER_BYTES))

    def _folder_of(self, portfolio: str) -> Path | None:
        return None if self._folder is None else self._folder / portfolio


def _write_beginning(path: Path) -> None:
    """One write of one number. Two resets at once follow each other, and both hold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    take_space(path, NUMBER_BYTES)  # or a full disk would take half of the number
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = int.from_bytes(
            os.pread(file.fileno(), NUMBER_BYTES, 0),
            sys.byteorder,
            signed=True,
        )
        after = _later_than(before).to_bytes(
            NUMBER_BYTES,
            sys.byteorder,
            signed=True,
        )
        os.pwrite(file.fileno(), after, 0)
        os.fsync(file.fileno())


def _later_than(before: int) -> int:
    """Now in microseconds, but never a beginning that was already; a damaged one does not count."""
    now = time.time_ns() // 1000
    return before + 1 if now <= before < now + CLOCK_SETBACK_US else now
