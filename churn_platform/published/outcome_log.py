"""The log of what agents record on the page, in segments as the prediction log: the page writes
them, the platform takes them over. Light: msgspec alone.
"""

from pathlib import Path
from typing import Any

import msgspec

from churn_platform.published.prediction_log import PREDICTIONS, LogFormat

ACCEPTED, DECLINED, THINKING, NOT_OFFERED = "accepted", "declined", "thinking", "not offered"
ANSWERS = (ACCEPTED, DECLINED, THINKING, NOT_OFFERED)


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What came of a conversation with a customer. `outcome_id` is unique; `at_us` is UTC.

    answer: one of ANSWERS. call_back_on: a day as YYYY-MM-DD. do_not_contact: the customer refuses
    further contacts. New fields go to the end and need a default.
    """

    outcome_id: str
    portfolio: str
    customer_id: str
    agent: str
    at_us: int
    channel: str
    offer: str
    answer: str
    reason: str
    call_back_on: str | None
    do_not_contact: bool


OUTCOMES = LogFormat(b"CHURNOUT", Outcome)
FORMATS: tuple[LogFormat[Any], ...] = (PREDICTIONS, OUTCOMES)


def format_of(path: Path) -> LogFormat[Any]:
    """The log that a segment belongs to, by its first bytes; that of predictions for any other
    file, which then is refused when it is read.
    """
    with path.open("rb") as file:
        start = file.read(len(PREDICTIONS.magic))
    found = [log for log in FORMATS if start and log.magic.startswith(start)]
    return found[0] if found else PREDICTIONS
