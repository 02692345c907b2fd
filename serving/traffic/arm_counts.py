"""What each arm of an experiment has answered, over all workers of the host and over restarts.

Two streams per start of an experiment: that of the challenger, and that of the control which it is
held against. In shadow the control are the champion's answers to the same customers. `guardrails`
judges the sums of both.
"""

import threading
import zlib
from pathlib import Path

import msgspec
import numpy as np

from churn_platform.published.confidence_sequence import Sums
from churn_platform.published.experiment import CONTROL, TREATED, LiveExperiment
from serving.storage.counted_files import HEAD_BYTES, Claimed, Layout, claimed, counted

NUMBERS = (
    "answers",
    "errors",
    "slow",
    "slow_for_signal",
    "churned",
    "same_scores",
    "base_rate_answers",
    "score_sum",
    "score_squares",
    "missing_sum",
    "missing_squares",
)
(
    ANSWERS,
    ERRORS,
    SLOW,
    SLOW_FOR_SIGNAL,
    CHURNED,
    SAME,
    BASE_RATE,
    SCORE,
    SCORE_SQUARES,
    MISSING,
    MISSING_SQUARES,
) = range(len(NUMBERS))
# Files of a release with other numbers have another mark, so none is read as these.
LAYOUT = Layout(len(NUMBERS), zlib.crc32(repr(NUMBERS).encode()))
# Nothing resets them: another start of the experiment has files of its own.
BEGAN = 0


class ArmSums(msgspec.Struct, frozen=True):
    """A stream added up: answers and errors are all that its arm was asked for."""

    answers: float
    errors: float
    slow: float
    slow_for_signal: float
    churned: float
    same_scores: float
    base_rate_answers: float
    score_sum: float
    score_squares: float
    missing_sum: float
    missing_squares: float

    def share(self, events: float) -> Sums:
        """Events among the answers, each 1."""
        return Sums(self.answers, events, events)

    @property
    def failed(self) -> Sums:
        """Errors among all that the arm was asked for."""
        return Sums(self.answers + self.errors, self.errors, self.errors)

    @property
    def scores(self) -> Sums:
        """Churn probabilities."""
        return Sums(self.answers, self.score_sum, self.score_squares)

    @property
    def missing(self) -> Sums:
        """Share of the features that were missing, of each answer."""
        return Sums(self.answers, self.missing_sum, self.missing_squares)


class ArmCount:
    """One stream as this process counts it."""

    def __init__(self, claim: Claimed, *, slow: float, slow_for_signal: float):
        self.claim = claim
        self._slow = slow
        self._slow_for_signal = slow_for_signal
        if LAYOUT.numbers_of(claim.memory, BEGAN) is None:
            claim.begin(LAYOUT, BEGAN)
        self._numbers = claim.memory[HEAD_BYTES : LAYOUT.file_bytes].cast("d")
        self._lock = threading.Lock()
        # No probability is below 0, so that the first score equals none before it.
        self._last: tuple[str | None, float] = (None, -1.0)

    def add(
        self,
        *,
        customer_id: str | None,
        churn_probability: float,
        is_churn: bool,
        is_base_rate: bool,
        missing_share: float,
        seconds: float,
    ) -> None:
        """Count one answer."""
        numbers = self._numbers
        last_customer, last_score = self._last
        # A customer who asks again gets the same score; only that of another one is a sign.
        is_same = last_score == churn_probability and last_customer != customer_id
        with self._lock:
            self._last = (customer_id, churn_probability)
            numbers[ANSWERS] += 1
            numbers[SLOW] += seconds > self._slow
            numbers[SLOW_FOR_SIGNAL] += seconds > self._slow_for_signal
            numbers[CHURNED] += is_churn
            numbers[SAME] += is_same
            numbers[BASE_RATE] += is_base_rate
            numbers[SCORE] += churn_probability
            numbers[SCORE_SQUARES] += churn_probability * churn_probability
            numbers[MISSING] += missing_share
            numbers[MISSING_SQUARES] += missing_share * missing_share

    def add_error(self) -> None:
        """Count a customer whom the version could not answer."""
        with self._lock:
            self._numbers[ERRORS] += 1


class ArmCounts:
    """Both streams of one start of an experiment, as this process keeps and reads them.

    folder: of the portfolio; None keeps them in this process alone.
    """

    def __init__(self, folder: Path | None, experiment: LiveExperiment):
        self._folder: Path | None = None
        if folder is not None:
            self._folder = folder / experiment.start_id

        # A shadow's answers are others than those of a slice, and are judged apart.
        self._way = "shadow" if experiment.is_shadow else "answering"
        slow = _seconds(experiment.guardrails.p99_latency_ms)
        slow_for_signal = _seconds(experiment.signals.p99_latency_ms)

        self._own = {}
        for stream in (TREATED, CONTROL):
            claim = claimed(self._folder, self._name(stream), LAYOUT)
            self._own[stream] = ArmCount(claim, slow=slow, slow_for_signal=slow_for_signal)

    def of(self, stream: str) -> ArmCount:
        """This process's count of a stream."""
        return self._own[stream]

    def total(self, stream: str) -> ArmSums:
        """What all processes have counted of a stream."""
        total = np.zeros(LAYOUT.numbers)
        own = self._own[stream]
        for memory in counted(self._folder, self._name(stream), own.claim):
            numbers = LAYOUT.numbers_of(memory, BEGAN)
            if numbers is not None:
                total += numbers

        return ArmSums(*total.tolist())

    def close(self) -> None:
        """Leave the files to workers that start."""
        for own in self._own.values():
            own.claim.let_go()

    def _name(self, stream: str) -> str:
        return f"{self._way}-{stream}"


def _seconds(milliseconds: float | None) -> float:
    # A limit that is not set: no answer is slower than that.
    if milliseconds is None:
        return float("inf")

    return milliseconds / 1000
