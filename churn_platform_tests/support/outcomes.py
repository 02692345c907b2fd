"""An outcome that an agent recorded, and a closed segment of some."""

from pathlib import Path

import msgspec

from churn_platform.published.outcome_log import OUTCOMES, Outcome
from churn_platform.published.prediction_log import frame
from serving.storage.log_segment import OpenSegment

MID_JANUARY_US = 1_736_899_200_000_000  # 2025-01-15 00:00 UTC


def outcome(**fields: object) -> Outcome:
    """Customer C1 takes an offer; `fields` replace what matters to a test."""
    usual = {
        "outcome_id": "o1",
        "portfolio": "tiny",
        "customer_id": "C1",
        "agent": "ann",
        "at_us": MID_JANUARY_US,
        "channel": "phone",
        "offer": "retention_offer",
        "answer": "accepted",
        "reason": "price",
        "call_back_on": None,
        "do_not_contact": False,
    }
    return Outcome(**(usual | fields))  # type: ignore[arg-type]


def closed_segment(folder: Path, *outcomes: Outcome) -> None:
    """A segment as the page leaves it."""
    segment = OpenSegment(folder, "w1", magic=OUTCOMES.magic)
    for each in outcomes:
        segment.append(frame(msgspec.msgpack.encode(each)))
    segment.close(sync=True)
