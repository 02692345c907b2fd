"""What arms have answered, added up over workers and kept over restarts."""

from churn_platform.published.experiment import CONTROL, TREATED, Limits
from churn_platform_tests.support.trials import trial_of
from serving.traffic.arm_counts import ArmCount, ArmCounts

TRIAL = trial_of(0.1, guardrails=Limits(p99_latency_ms=200), signals=Limits(p99_latency_ms=50))


def answer(count: ArmCount, customer_id: str | None = "C1", score: float = 0.5, ms: float = 1):
    """One answer, of a customer who is predicted to churn, a quarter of the features missing."""
    count.add(
        customer_id=customer_id,
        churn_probability=score,
        is_churn=True,
        is_base_rate=False,
        missing_share=0.25,
        seconds=ms / 1000,
    )


def test_sums_are_those_of_the_answers(tmp_path):
    """By hand: two answers of 0.5 and 0.25, and an error."""
    counts = ArmCounts(tmp_path, TRIAL)
    answer(counts.of(TREATED), score=0.5, ms=100)
    answer(counts.of(TREATED), score=0.25, ms=300)
    counts.of(TREATED).add_error()
    total = counts.total(TREATED)
    assert (total.answers, total.errors, total.slow, total.slow_for_signal) == (2, 1, 1, 2)
    assert (total.score_sum, total.score_squares) == (0.75, 0.3125)
    assert (total.missing_sum, total.missing_squares) == (0.5, 0.125)
    assert (total.failed.count, total.failed.total) == (3, 1)
    assert counts.total(CONTROL).answers == 0


def test_the_same_score_counts_for_another_customer_alone(tmp_path):
    """Who asks again gets the same score."""
    counts = ArmCounts(tmp_path, TRIAL)
    for customer_id in ("C1", "C1", "C2", "C3"):
        answer(counts.of(TREATED), customer_id)
    assert counts.total(TREATED).same_scores == 2


def test_workers_add_up_and_one_that_starts_goes_on(tmp_path):
    """Two at once, then one that takes over the file of one that has ended."""
    one, other = ArmCounts(tmp_path, TRIAL), ArmCounts(tmp_path, TRIAL)
    for counts in (one, other):
        answer(counts.of(TREATED))
    assert one.total(TREATED).answers == other.total(TREATED).answers == 2
    one.close()
    again = ArmCounts(tmp_path, TRIAL)
    answer(again.of(TREATED))
    assert other.total(TREATED).answers == 3


def test_another_start_and_another_way_are_counted_apart(tmp_path):
    """What was counted in shadow says nothing of a slice."""
    answer(ArmCounts(tmp_path, TRIAL).of(TREATED))
    for other in (trial_of(0.1, salt="s2"), trial_of(0.0)):
        assert ArmCounts(tmp_path, other).total(TREATED).answers == 0


def test_without_a_folder_a_worker_counts_for_itself():
    """As it does where there is no space."""
    counts = ArmCounts(None, TRIAL)
    answer(counts.of(CONTROL))
    assert counts.total(CONTROL).answers == 1
