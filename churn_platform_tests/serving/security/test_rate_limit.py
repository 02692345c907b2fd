"""Rates hold over processes, and recover."""

import pytest

from serving.security.rate_limit import Limiter


def test_a_rate_holds_over_processes_and_recovers(tmp_path):
    """Two limiters on one file, as two workers have, let through one second's worth together, then
    the rate.
    """
    one, other = Limiter(tmp_path / "rates"), Limiter(tmp_path / "rates")
    passed = sum((one, other)[turn % 2].wait_seconds(3, 10, 100.0) == 0 for turn in range(40))
    assert passed == 10
    assert one.wait_seconds(3, 10, 100.0) == pytest.approx(0.1)
    assert other.wait_seconds(3, 10, 100.11) == 0
    assert other.wait_seconds(4, 10, 100.0) == 0


def test_a_machine_started_anew_forgets_old_rates(tmp_path):
    """A clock that began again from zero does not lock a key out."""
    Limiter(tmp_path / "rates").wait_seconds(0, 1, 1e6)
    assert Limiter(tmp_path / "rates").wait_seconds(0, 1, 5.0) == 0


def test_a_rate_counts_customers(tmp_path):
    """25 customers at 10 a second: let through when nothing was asked before, and paid for
    afterwards.
    """
    limiter = Limiter(tmp_path / "rates", count_max=500)
    assert limiter.wait_seconds(0, 10, 100.0) == 0
    assert limiter.wait_seconds(0, 10, 100.0, count=25, counted=1) == 0
    assert limiter.wait_seconds(0, 10, 100.0) == pytest.approx(1.6)
    assert limiter.wait_seconds(0, 10, 101.7) == 0
    assert limiter.wait_seconds(0, 10, 101.7, count=25, counted=1) > 0
