"""Rate limits that hold over all worker processes, at the price of one look into shared memory.

The generic cell rate algorithm (ITU-T I.371): per key one number, the time at which its bucket would be empty again.
The numbers lie in a memory-mapped file. Two workers that write at the same instant can lose one request's count.
Litestar's own limiter asks a store of its own per process, or a network service.
"""

from pathlib import Path

from serving.keys import SLOTS
from serving.shared_memory import shared_memory

NUMBER_BYTES = 8
BURST_SECONDS = 1.0


class Limiter:
    """Rates by slot; times are seconds of the system's monotonic clock, which all processes share."""

    def __init__(self, path: Path):
        self._empty_at = shared_memory(path, SLOTS * NUMBER_BYTES).cast("d")

    def wait_seconds(self, slot: int, requests_per_second: float, now: float) -> float:
        """0 if a request is within the rate, and counts it; else how long to wait."""
        empty_at = self._empty_at[slot]
        cost = 1 / requests_per_second
        burst = max(BURST_SECONDS, cost)
        if not now < empty_at <= now + burst + cost:  # long past, or of a time before the machine's last start
            empty_at = now
        wait = empty_at + cost - now - burst
        if wait > 0:
            return wait
        self._empty_at[slot] = empty_at + cost
        return 0.0
