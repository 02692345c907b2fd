"""What the log says of the challenger's slice, however its segments came."""

from datetime import timedelta

import pytest

from churn_platform.experiments.safety import find_safety, read_days, read_progress
from churn_platform.ingest.hashing import set_keys
from churn_platform.published.assignment import assigned_arm
from churn_platform.serving_log.log_ingestion import ingest_segments
from churn_platform_tests.experiments.lake_rows import SLICE, add_segment, answer, state_of
from churn_platform_tests.support.tiny import TINY


@pytest.fixture
def state():
    """The slice of 5 %, since 100 hours after the start."""
    return state_of(SLICE)


def answers(state, *, customers: int = 2_000, score: float = 0.25):
    """Each customer of an arm answered once; the challenger's with this score."""
    found = []
    for number in range(customers):
        arm = assigned_arm(state.live, f"C{number}")
        if arm == "challenger":
            found.append(answer(state, number, arm, churn_probability=score + number * 1e-6))
        elif arm:
            found.append(answer(state, number, arm, churn_probability=0.25 + number * 1e-6))
    return found


def ingest(connection, lake, folder, *segments):
    """Answers into the lake, a segment each, in this order."""
    folder.mkdir()
    set_keys(connection, "0" * 32)
    for number, each in enumerate(segments):
        add_segment(folder, f"w{number}", each)
        ingest_segments(connection, lake, "tiny", folder)


def found_in(connection, state):
    """The rows to the end of the step's first fortnight, by figure."""
    rows = find_safety(connection, TINY, state, until=state.since + timedelta(days=14))
    return {row["watched"]: row for row in rows}


def test_segments_in_another_order_give_the_same_rows(connection, lake, tmp_path, state):
    """And the same answers ingested again: request ids are known."""
    logged = answers(state)
    half = len(logged) // 2
    ingest(connection, lake, tmp_path / "one", logged[:half], logged[half:])
    first = found_in(connection, state)
    connection.execute("delete from tiny.serving_log")
    ingest(connection, lake, tmp_path / "two", logged[half:], logged[:half], logged)
    assert found_in(connection, state) == first
    assert not any(row["is_harm"] for row in first.values())


def test_shifted_scores_are_harm_and_like_ones_are_not(connection, lake, tmp_path, state):
    """0.9 where the control says 0.25."""
    ingest(connection, lake, tmp_path / "log", answers(state, score=0.9))
    found = found_in(connection, state)
    assert found["score_mean_shift"]["is_harm"]
    assert found["score_mean_shift"]["difference"] == pytest.approx(0.65, abs=0.001)
    assert not found["p99_latency_ms"]["is_harm"]
    assert not found["sample_ratio"]["is_harm"]


def test_a_customer_in_a_wrong_arm_is_told(connection, lake, tmp_path, state):
    """One who belongs to the challenger was answered as control, and one met both arms."""
    logged = answers(state)
    treated = [each for each in logged if each.experiment_arm == "challenger"]
    strays = [
        answer(state, 5_000, "control", customer_id=treated[0].customer_id, request_id="stray")
    ]
    ingest(connection, lake, tmp_path / "log", logged, strays)
    progress = read_progress(connection, TINY, state, until=state.since + timedelta(days=14))
    assert (progress.two_arms, progress.wrong_arm) == (1, 1)
    assert found_in(connection, state)["stray_customers"]["is_harm"]
    assert progress.customers == len(treated)
    assert progress.answers == (len(logged) - len(treated) + 1, len(treated))


def test_a_slice_that_lacks_customers_is_a_mismatch(connection, lake, tmp_path, state):
    """Two of three of the challenger's customers are missing."""
    logged = answers(state, customers=4_000)
    kept = [
        each
        for place, each in enumerate(logged)
        if each.experiment_arm == "control" or place % 3 == 0
    ]
    ingest(connection, lake, tmp_path / "log", kept)
    assert found_in(connection, state)["sample_ratio"]["is_harm"]
    days, shares = read_days(connection, TINY, state, until=state.since + timedelta(days=14))
    assert len(days) == len(shares) >= 2
    assert max(shares) < 0.5


def test_without_answers_there_are_no_rows(connection, state):
    """Nor is there a table yet."""
    until = state.since + timedelta(days=1)
    assert find_safety(connection, TINY, state, until=until) == []
    assert read_progress(connection, TINY, state, until=until).customers == 0
