"""A trial as a line of the log."""

from datetime import UTC, datetime

import pytest

from churn_platform.training.trials import as_line
from churn_platform.training.tune import Trial


@pytest.mark.parametrize(("is_pruned", "state"), [(False, ""), (True, ", pruned")])
def test_a_trial_is_told_in_a_line(is_pruned, state):
    """Its loss, whether it was given up, how long it took, and with what."""
    begun, ended = (datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC) for second in (1, 3))
    trial = Trial(4, {"max_depth": 6, "learning_rate": 0.05}, 0.123456, is_pruned, begun, ended)
    assert as_line(trial) == (
        f"trial 4: log loss 0.12346{state}, 2.0 s; max_depth 6, learning_rate 0.05"
    )
