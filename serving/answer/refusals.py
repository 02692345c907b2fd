"""Why customers of a batch have no score: told once for those who meet the same error, and bounded.

Otherwise one wrong name costs as many errors as the batch has customers, and an answer many times
as long as the request.
"""

import msgspec

from serving.answer.answers import BatchError
from serving.errors import InvalidRequest, NotFound, ServingError

KINDS_MAX = 20
FAULTS_MAX = 5
POSITIONS_MAX = 100
OTHERS = "other errors; mend those above first, then send these customers again"


class Refusals:
    """The errors of one batch, those alike together, in the order of the first of each kind."""

    def __init__(self) -> None:
        self._kinds: dict[object, BatchError] = {}
        self._others: BatchError | None = None

    def add(self, position: int, customer_id: str | None, error: InvalidRequest | NotFound) -> None:
        """One customer more that cannot be scored."""
        kind = _kind(error)
        found = self._kinds.get(kind)
        if found is None and len(self._kinds) < KINDS_MAX:
            found = self._kinds[kind] = _told(position, customer_id, error)
        # Bounded: an answer must not be many times as long as the request that caused it.
        elif found is None:
            found = self._others = self._others or _others(position, customer_id)

        found.count += 1
        if len(found.positions) < POSITIONS_MAX:
            found.positions.append(position)

    def told(self) -> list[BatchError]:
        """At most twenty kinds, and one entry for all others."""
        return [*self._kinds.values(), *([self._others] if self._others else [])]


def _kind(error: ServingError) -> object:
    """What errors alike have in common: the values that were sent may differ, and so do ids not
    found.
    """
    if isinstance(error, InvalidRequest):
        return tuple((fault.field, fault.allowed) for fault in error.faults)
    return type(error)


def _told(position: int, customer_id: str | None, error: InvalidRequest | NotFound) -> BatchError:
    is_invalid = isinstance(error, InvalidRequest)
    shown = (
        InvalidRequest(error.faults[:FAULTS_MAX]) if isinstance(error, InvalidRequest) else error
    )
    return BatchError(
        position=position,
        customer_id=customer_id,
        count=0,
        positions=[],
        status=422 if is_invalid else 404,
        detail=str(shown),
        errors=msgspec.to_builtins(shown.faults) if isinstance(shown, InvalidRequest) else [],
    )


def _others(position: int, customer_id: str | None) -> BatchError:
    return BatchError(
        position=position,
        customer_id=customer_id,
        count=0,
        positions=[],
        status=422,
        detail=OTHERS,
    )
