"""The one tree of errors: what a caller may catch, and what the errors say."""

from datetime import date

from churn_platform import errors
from churn_platform.errors import ChurnError, UnreadableMonthError, WarehouseError


def test_every_error_is_one_of_the_tree():
    """The command line catches the base alone; one outside the tree would show a traceback."""
    found = [item for item in vars(errors).values() if isinstance(item, type)]
    raised = [item for item in found if issubclass(item, Exception)]
    assert len(raised) > 10
    assert [item.__name__ for item in raised if not issubclass(item, ChurnError)] == []


def test_an_unreadable_month_is_named_with_the_next_command():
    """Table and month can be read by a caller too, and it is an error of the warehouse."""
    error = UnreadableMonthError("tiny.labels", date(2025, 2, 1))
    assert "tiny.labels of 2025-02" in str(error)
    assert "`churn check-lake`" in str(error)
    assert (error.table, error.month) == ("tiny.labels", date(2025, 2, 1))
    assert isinstance(error, WarehouseError)
