"""Long work beside short requests: in one thread, in slices, and only while somebody waits for it.

Python runs one thread at a time. A thread that never pauses keeps the event loop, and each look-up
on it, waiting for milliseconds; several such threads do so in turn. So all batches of a worker
process share one thread, which hands over after every slice.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from litestar.types import Receive

from serving.errors import HungUp

# Half a millisecond: look-ups wait behind a batch for one slice at most.
SLICE_SECONDS = 0.0005
PAUSE_SECONDS = 0.0001  # enough for a waiting thread to be woken

Result = TypeVar("Result")


class Turn:
    """One piece of work in the thread."""

    def __init__(self) -> None:
        self._since = time.perf_counter()
        self._is_over = False

    def end(self) -> None:
        """Let the work end at its next pause."""
        self._is_over = True

    def give_way(self) -> None:
        """To be called often: pauses when a slice is used up; HungUp once no one waits any more."""
        if self._is_over:
            raise HungUp("the client hung up")
        if time.perf_counter() - self._since >= SLICE_SECONDS:
            time.sleep(PAUSE_SECONDS)
            self._since = time.perf_counter()


class Background:
    """The thread of a worker process in which long work is done, one piece after the other."""

    def __init__(self) -> None:
        # One thread for all batches: several would take the interpreter from the event loop in
        # turn.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")

    async def run(self, receive: Receive, work: Callable[[Callable[[], None]], Result]) -> Result:
        """What `work` returns, which is given `give_way`; HungUp where the
        client is gone before.
        """
        turn = Turn()
        in_context = contextvars.copy_context().run  # log lines name the request's id
        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(self._thread, in_context, work, turn.give_way)
        leaving = asyncio.create_task(_hung_up(receive))
        try:
            await _first_of(working, leaving)
            if not working.done():
                raise HungUp("the client hung up")
            return working.result()
        finally:
            leaving.cancel()
            turn.end()
            working.cancel()  # for what has not begun; the thread itself ends at the next pause
            del working  # its error's traceback holds this frame: a ring, with the connection in it

    def close(self) -> None:
        """End the thread when it has done what it was given."""
        self._thread.shutdown(wait=False)


async def _first_of(*awaited: asyncio.Future[Any]) -> None:
    await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)


async def _hung_up(receive: Receive) -> None:
    """Returns when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
