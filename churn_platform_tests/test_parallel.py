"""Threads work on a stream of items."""

import threading

import pytest

from churn_platform.parallel import in_order


def test_results_come_in_the_order_of_the_items():
    """The first item waits until the second is done, and still comes first."""
    second_done = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_done.wait(10)
        if item == 1:
            second_done.set()
        return item * 10

    assert list(in_order(work, range(5), threads=2)) == [0, 10, 20, 30, 40]


def test_a_long_stream_is_not_read_ahead():
    """No more items are taken than threads and one, before the first result is."""
    taken = []

    def items():
        for item in range(100):
            taken.append(item)
            yield item

    assert next(in_order(lambda item: item, items(), threads=2)) == 0
    assert taken == [0, 1, 2]


def test_what_goes_wrong_is_raised():
    """The error of an item comes in its place, after the results before it."""

    def work(item: int) -> float:
        return 1 / item

    results = in_order(work, [1, 0, 2], threads=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
