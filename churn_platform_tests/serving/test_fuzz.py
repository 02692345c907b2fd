"""The drill with raw sockets: what it sends follows from its seed, and what it
takes for a failure.
"""

import random

from benchmarks.serving.fuzz import GROWTH_BYTES_MAX, GROWTH_DESCRIPTORS_MAX, Found, Use, faults
from benchmarks.serving.nonsense import KINDS, Sent, nonsense

BODIES = [b'{"customer_id": "C00000001"}']
REST = Use((1, 2), 100_000_000, 50, 0)


def _sent(seed: int) -> list[Sent]:
    draw = random.Random(seed)
    return [nonsense(draw, BODIES, is_slow=False) for _ in range(200)]


def test_the_same_seed_sends_the_same_bytes():
    """And another seed others; every kind comes up."""
    assert _sent(1) == _sent(1) != _sent(2)
    assert {sent.name for sent in _sent(1)} == {make.__name__.strip("_") for make in KINDS}


def test_an_undocumented_5xx_is_a_failure():
    """503 and 507 are documented answers; a connection without an answer is counted."""
    found = Found()
    for status in (200, 503, 507, 500):
        found.heard(Sent("plain", b"x"), b"HTTP/1.1 %d What\r\n\r\n" % status)
    found.heard(Sent("plain", b"x"), b"")
    assert found.statuses == {"200": 1, "503": 1, "507": 1, "500": 1, "no answer": 1}
    assert len(found.failures) == 1


def test_growth_a_dead_worker_and_a_kept_connection_are_failures():
    """What stays within the allowance is none."""
    allowed = Use(
        (1, 2), REST.memory + GROWTH_BYTES_MAX, REST.descriptors + GROWTH_DESCRIPTORS_MAX, 0
    )
    assert faults(REST, allowed) == []
    assert len(faults(REST, Use((1, 3), 2 * REST.memory, 2 * REST.descriptors, 0))) == 3
    assert faults(REST, Use((1, 2), REST.memory, REST.descriptors, 2)) == [
        "2 connections are left, though every client is gone"
    ]
