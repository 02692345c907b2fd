"""Clients that ask a server without pause, each in a thread of its own, as the drills under load
need them.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

CLIENTS = 4
HEADERS = {"Content-Type": "application/json"}


class Told(Protocol):
    """Who is told what the clients hear, from all their threads."""

    def heard(self, place: int, status: int, text: bytes) -> None:
        """An answer arrived whole to the body at `place`."""

    def failed(self, error: Exception) -> None:
        """A connection broke."""


@contextmanager
def asking(
    port: int, path: str, bodies: list[str], *, per_connection: int, told: Told
) -> Iterator[None]:
    """Send the bodies to `path` in turn for as long as the context lasts; four clients share them.

    A client opens a new connection when one breaks, and after `per_connection` requests.
    """
    stopped = threading.Event()

    def ask(client: int) -> None:
        turn = 0
        while not stopped.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                for _ in range(per_connection):
                    if stopped.is_set():
                        break
                    turn += 1
                    place = (client + CLIENTS * turn) % len(bodies)
                    connection.request("POST", path, bodies[place], HEADERS)
                    response = connection.getresponse()
                    told.heard(place, response.status, response.read())
            except (OSError, http.client.HTTPException) as error:
                told.failed(error)
                time.sleep(0.01)
            finally:
                connection.close()

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
