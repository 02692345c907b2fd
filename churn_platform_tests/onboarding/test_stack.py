"""Many columns are looked at by one short statement."""

import duckdb

from churn_platform.onboarding import stack
from churn_platform.onboarding.stack import alike, batches, stacked


def test_values_at_once_are_few(monkeypatch):
    """As many columns as keep within the limit, at least one."""
    monkeypatch.setattr(stack, "VALUES_AT_ONCE", 10)
    assert [list(some) for some in batches("abcde", 5)] == [["a", "b"], ["c", "d"], ["e"]]
    assert [list(some) for some in batches("ab", 100)] == [["a"], ["b"]]


def test_columns_of_one_kind_are_together():
    """In the order in which the kinds come."""
    groups = alike(["a1", "b1", "a2"], 1, lambda item: item[0])
    assert [list(some) for some in groups] == [["a1", "a2"], ["b1"]]


def test_each_value_has_a_row():
    """Rows of the file follow one another, each with its columns in the given order."""
    file = "(values (1, 'a', 'b'), (2, 'c', 'd')) as file(n, x, y)"
    rows = duckdb.execute(f"from {stacked(file, ['x', 'y'])}").fetchall()
    assert rows == [(0, "a"), (1, "b"), (0, "c"), (1, "d")]
    kept = duckdb.execute(f"from {stacked(file, ['x', 'y'], where='n = 2')}").fetchall()
    assert kept == [(0, "c"), (1, "d")]
