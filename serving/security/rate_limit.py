"""Rate limits that hold over all worker processes, at the price of one look into shared memory.

The generic cell rate algorithm (ITU-T I.371): per key one number, the time at which its bucket
would be empty again. The numbers are in a memory-mapped file. Two workers that write at the same
instant can lose one request's count. Litestar's own limiter asks a store of its own per process, or
a network service.
"""

from pathlib import Path

from serving.security.api_keys import SLOTS
from serving.storage.shared_memory import shared_memory

NUMBER_BYTES = 8
BURST_SECONDS = 1.0
ROUNDING_SECONDS = 1e-9


class Limiter:
    """Rates by slot; times are seconds of the system's monotonic clock, which all processes share.

    count_max: the most that is counted at once.
    """

    def __init__(self, path: Path, *, count_max: int = 1):
        self._empty_at = shared_memory(path, SLOTS * NUMBER_BYTES).cast("d")
        self._count_max = count_max

    def wait_seconds(
        self, slot: int, requests_per_second: float, now: float, *, count: int = 1, counted: int = 0
    ) -> float:
        """0 if `count` customers are within the rate, and counts them; else how long to wait.

        counted: how many of them were counted before. More customers than a burst holds are let
        through when the bucket is empty, or they never would be; the key then waits until all are
        paid for.
        """
        empty_at = self._empty_at[slot]
        cost = 1 / requests_per_second
        burst = max(BURST_SECONDS, cost)
        longest = burst + self._count_max * cost
        if (
            not now < empty_at <= now + longest
        ):  # long past, or of a time before the machine's last start
            empty_at = now

        # A batch above a second's worth would never fit; it is let through when nothing else was
        # asked.
        needed = min(count * cost, burst) - counted * cost
        wait = empty_at + needed - now - burst
        if wait > ROUNDING_SECONDS:
            return wait

        # Without a lock: two workers at the same instant may lose one count, which a rate can bear.
        self._empty_at[slot] = empty_at + (count - counted) * cost
        return 0.0
