"""A right that one process of all hosts has at a time, kept on the store.

A lease ends by itself, for a process may be killed while it holds it. So it is for acts that take
seconds, and whose parts are safe without it; it keeps two of them from undoing each other.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from churn_platform.errors import (
    NoSuchObjectError,
    ObjectChangedError,
    ObjectExistsError,
    StoreError,
)
from churn_platform.storage.store import Store

LIFE = timedelta(minutes=10)
WAIT_SECONDS, LOOK_SECONDS = 60.0, 0.2


@contextmanager
def leased(
    store: Store,
    name: str,
    *,
    now: Callable[[], datetime],
    wait_seconds: float = WAIT_SECONDS,
) -> Iterator[None]:
    """Hold the lease of that name; StoreError names its holder if it stays taken."""
    key = f"{name}.lease"
    end = time.monotonic() + wait_seconds
    while (e_tag := _taken(store, key, now())) is None:
        if time.monotonic() >= end:
            raise StoreError(
                f"{key} in {store.location} stayed taken for {wait_seconds:g} s by "
                f"{_holder(store, key)}; "
                "wait until it has ended, or remove the object if its process is gone"
            )
        time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        mine = store.head(key)
        # A lease that ran out may be another's by now.
        if mine is not None and mine.e_tag == e_tag:
            store.delete(key)


def _holder(store: Store, key: str) -> str:
    try:
        return store.read(key).decode(errors="replace")
    except NoSuchObjectError:  # it came free since the last try
        return "another host"


def _taken(store: Store, key: str, moment: datetime) -> str | None:
    """The tag of the lease if it is ours now; None while another holds it."""
    until = moment + LIFE
    mine = {"host": socket.gethostname(), "process": os.getpid(), "until": until.isoformat()}
    content = json.dumps(mine).encode()
    try:
        return store.put(key, content, mode="create")
    except ObjectExistsError:
        pass
    found = store.head(key)
    # The store's clock dates the object, this host's the look: minutes apart, they still agree.
    # A lease of the future is of a clock that was ahead, and would stay taken until then.
    if found is None or abs(moment - found.modified_at) < LIFE:
        return None
    try:
        return store.put(key, content, if_match=found.e_tag)
    except ObjectChangedError:
        return None
