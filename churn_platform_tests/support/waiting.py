"""Waits for what another thread or process brings about."""

import time
from collections.abc import Callable


def eventually(
    holds: Callable[[], bool], seconds: float = 20.0, *, look_every_seconds: float = 0.02
) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(look_every_seconds)
