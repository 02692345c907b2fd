"""An event of a customer, as JSON: what a stream carries between hosts. Light: msgspec alone."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

EVENT_BYTES_MAX = 65_536  # of the JSON; the features of a customer take some thousand
EVENT_TIME = "event_time"

Text = Annotated[str, Meta(min_length=1, max_length=511)]


class CustomerEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was so of a customer at an instant.

    portfolio: its name. event_time: RFC 3339, with its distance to UTC. features: new values, by
    name. ttl_seconds: how long they count from `event_time` on; without it the service decides.
    """

    portfolio: Text
    customer_id: Text
    event_time: Annotated[datetime, Meta(tz=True)]
    features: Annotated[dict[str, float | int | str | bool | None], Meta(min_length=1)]
    ttl_seconds: Annotated[float, Meta(gt=0)] | None = None


read_event = msgspec.json.Decoder(CustomerEvent).decode
"""The event that bytes say; msgspec.MsgspecError or UnicodeDecodeError if they say none."""

event_bytes = msgspec.json.Encoder().encode


def instant(at_us: int) -> datetime:
    """The instant of so many microseconds since 1970, exactly."""
    # Not as one float, which would round some microseconds away.
    seconds, microseconds = divmod(at_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def microseconds(at: datetime) -> int:
    """Microseconds from 1970 to the instant, exactly."""
    whole = at.astimezone(UTC)
    return round(whole.replace(microsecond=0).timestamp()) * 1_000_000 + whole.microsecond
