"""Who asks: what an API key lets them do, and what it has left of its rate."""

import time
from collections.abc import Iterable
from math import ceil

from serving.errors import NotAllowed, TooManyRequests
from serving.security.api_keys import FEATURES, Key
from serving.security.rate_limit import Limiter


class Caller:
    """Who asks, by the key that they sent; without one, they may do everything, as before there is
    any key.
    """

    def __init__(
        self,
        key: Key | None = None,
        limiter: Limiter | None = None,
        requests_per_second: float = 0.0,
    ):
        self.key, self._limiter = key, limiter
        self._rate = (key and key.requests_per_second) or requests_per_second

    def check_scope(self, scope: str) -> None:
        """NotAllowed where the key lacks a scope."""
        key = self.key
        if key and scope not in key.scopes:
            raise NotAllowed(
                f"key {key.name!r} lacks the scope {scope!r}; it has {', '.join(key.scopes)}"
            )

    def check_portfolio(self, portfolio: str | None) -> None:
        """NotAllowed where the key is for other portfolios; None is for all of them at once."""
        key = self.key
        if key and key.portfolios and portfolio not in key.portfolios:
            wanted = (
                f"portfolio {portfolio[:80]!r}" if portfolio else "what tells of all portfolios"
            )
            raise NotAllowed(
                f"key {key.name!r} is not for {wanted}; it is for {', '.join(key.portfolios)}"
            )

    def check_sent(self, names: Iterable[str], ids: Iterable[str]) -> None:
        """NotAllowed where anything beside a customer's id is sent, and the key lacks the scope for
        it.
        """
        # With features a caller can ask about anybody, with an id about known customers alone.
        if self.key and FEATURES not in self.key.scopes and set(names) - set(ids):
            self.check_scope(FEATURES)

    def count(self, customers: int = 1, *, counted: int = 0) -> None:
        """Count customers of one request against the key's rate, `counted` of them before;
        TooManyRequests.
        """
        key = self.key
        if key is None or self._limiter is None:
            return

        wait = self._limiter.wait_seconds(
            key.slot,
            self._rate,
            time.monotonic(),
            count=customers,
            counted=counted,
        )
        if wait:
            raise TooManyRequests(
                f"key {key.name!r} is over its rate; wait {wait:.3f} s", wait_seconds=ceil(wait)
            )


ANYBODY = Caller()
