"""Call detail records: voice, texts and data sessions, falling with engagement, dropped under
network trouble.
"""

import numpy as np

from churn_platform.simulator.chunk import Chunk, Columns, draw_owners, draw_times_s
from churn_platform.simulator.coefficients import Calls
from churn_platform.simulator.identifiers import contact_phone_numbers
from churn_platform.simulator.levels import RecordType

_STRANGER_KEYS = np.uint64(1 << 62)  # above every key of a circle


def generate_calls(
    rng: np.random.Generator, chunk: Chunk, calls_per_customer: float, volume: float
) -> list[Columns]:
    """Three blocks of records: voice, sms, data. `volume` scales the MB of a data session."""
    calls = Calls()
    people = chunk.people
    usage = (
        calls.level
        * calls_per_customer
        * people.usage_level
        * np.exp(people.engagement)
        * chunk.share_of_month
    )
    by_age = np.array(calls.data_by_age)[people.age]
    return [
        voice(rng, chunk, draw_owners(rng, usage * calls.voice_share), calls),
        texts(rng, chunk, draw_owners(rng, usage * calls.sms_share), calls),
        sessions(rng, chunk, draw_owners(rng, usage * calls.data_share * by_age), calls, volume),
    ]


def voice(rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, calls: Calls) -> Columns:
    """Voice calls of `owners`."""
    n = len(owners)
    dropped = calls.dropped_share + calls.dropped_per_trouble * chunk.people.trouble
    # float32: half the random bits of 100 million records, and seconds need no more digits.
    minutes = calls.voice_minutes_median * np.exp(
        calls.voice_log_sd * rng.standard_normal(n, dtype=np.float32)
    )
    return common(rng, chunk, owners, RecordType.VOICE) | {
        "is_outgoing": flags(rng, n, calls.outgoing_share),
        "contact_number": contact_phone_numbers(contacts(rng, chunk, owners, calls)),
        "duration_s": np.clip(minutes * 60, 1, 4 * 3600).astype(np.int32),
        "is_international": flags(
            rng,
            n,
            np.minimum(chunk.people.international_share, 0.5)[owners],
        ),
        "is_dropped": flags(rng, n, np.minimum(dropped, calls.dropped_max)[owners]),
    }


def texts(rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, calls: Calls) -> Columns:
    """Text messages of `owners`."""
    n = len(owners)
    return common(rng, chunk, owners, RecordType.SMS) | {
        "is_outgoing": flags(rng, n, calls.outgoing_share),
        "contact_number": contact_phone_numbers(contacts(rng, chunk, owners, calls)),
    }


def sessions(
    rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, calls: Calls, volume: float
) -> Columns:
    """Data sessions of `owners`, larger for those whose engagement is high."""
    n = len(owners)
    median = calls.session_mb_median * volume * chunk.people.data_level
    spread = np.exp(calls.session_log_sd * rng.standard_normal(n, dtype=np.float32))
    return common(rng, chunk, owners, RecordType.DATA) | {
        # A customer starts a data session always.
        "is_outgoing": np.ones(n, dtype=bool),
        "data_mb": np.round(median[owners] * spread, 2),
    }


def common(
    rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, record_type: RecordType
) -> Columns:
    """Columns that every record has; columns left out are zero, false or empty."""
    return {
        "customer_id": owners,
        "started_at": draw_times_s(rng, chunk, owners),
        "record_type": np.full(len(owners), record_type, dtype=np.int8),
    }


def contacts(
    rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, calls: Calls
) -> np.ndarray:
    """Keys of the other party: mostly the first of the customer's circle, rarely a stranger."""
    n = len(owners)
    people = chunk.people
    draw = rng.random(n, dtype=np.float32)
    # Squared: most calls go to the first few people of a circle.
    slot = (draw * draw * people.circle_size[owners]).astype(np.uint64)
    number = people.number.astype(np.uint64)[owners]
    circle = number * np.uint64(256) + slot
    is_stranger = rng.random(n, dtype=np.float32) < calls.stranger_share
    strangers = rng.integers(0, 1 << 40, is_stranger.sum(), dtype=np.uint64)
    circle[is_stranger] = _STRANGER_KEYS + strangers
    return circle


def flags(rng: np.random.Generator, n: int, share: float | np.ndarray) -> np.ndarray:
    """`n` booleans, true with probability `share`."""
    return rng.random(n, dtype=np.float32) < share
