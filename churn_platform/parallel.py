"""Work on a stream of items by several threads."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Iterator[Result]:
    """What `work` makes of each item, in their order; `threads` items are worked on, and one more
    is held ready.
    """
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            future = pool.submit(work, item)
            waiting.append(future)
            # Bounded: without it the items would all be read before the first result is used.
            if len(waiting) > threads:
                yield waiting.popleft().result()

        while waiting:
            yield waiting.popleft().result()
