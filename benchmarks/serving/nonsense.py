"""Requests that no client should send: malformed HTTP, wrong lengths, huge headers, nonsense as
JSON.
"""

import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass

SLOW = "slow"
SLOW_BYTES = 300
JSON = b"content-type: application/json"
PATHS = (
    b"/predict",
    b"/predict/batch",
    b"/explain",
    b"/features/push",
    b"/telecomit/predict",
    b"/nobody/predict",
)
GETS = (
    b"/",
    b"/health",
    b"/metrics",
    b"/models",
    b"/customers/C00000001",
    b"/schema/openapi.json",
    b"/ab-test/stats",
)
METHODS = (
    b"GET",
    b"POST",
    b"HEAD",
    b"OPTIONS",
    b"PUT",
    b"DELETE",
    b"TRACE",
    b"CONNECT",
    b"PATCH",
    b"get",
    b"\x00",
)


@dataclass(frozen=True)
class Sent:
    """Bytes for one connection; `is_left`: the client dies without reading; `is_cut_off`: it says
    that it is done.
    """

    name: str
    data: bytes
    is_left: bool = False
    is_cut_off: bool = False


def nonsense(draw: random.Random, bodies: list[bytes], *, is_slow: bool) -> Sent:
    """The next bytes to send; `bodies` are right ones, to be spoiled."""
    if is_slow:
        return Sent(SLOW, _request(draw, _body(draw, bodies)[:SLOW_BYTES]))
    make = draw.choice(KINDS)
    data = make(draw, bodies)
    if draw.random() < 0.2:
        data = _spoiled(draw, data)
    if draw.random() < 0.15:
        data = data[: draw.randrange(1, len(data) + 1)]
    return Sent(make.__name__.strip("_"), data, draw.random() < 0.1, draw.random() < 0.3)


def _request(
    draw: random.Random, body: bytes, *headers: bytes, length: bytes | None = None
) -> bytes:
    path = draw.choice(PATHS)
    announced = b"content-length: " + (b"%d" % len(body) if length is None else length)
    lines = [b"POST " + path + b" HTTP/1.1", b"host: localhost", JSON, announced, *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _body(draw: random.Random, bodies: list[bytes]) -> bytes:
    return draw.choice(bodies) if draw.random() < 0.3 else draw.choice(BODIES)(draw, bodies)


def _spoiled(draw: random.Random, data: bytes) -> bytes:
    """A few bytes changed, left out or doubled."""
    spoiled = bytearray(data)
    for _ in range(draw.randrange(1, 8)):
        place = draw.randrange(len(spoiled)) if spoiled else 0
        spoiled[place : place + draw.randrange(2)] = draw.randbytes(draw.randrange(3))
    return bytes(spoiled) or b"\x00"


# Bodies.


def _random_bytes(draw: random.Random, _: list[bytes]) -> bytes:
    return draw.randbytes(draw.randrange(2000))


def _nested(draw: random.Random, _: list[bytes]) -> bytes:
    depth = draw.choice((10, 1000, 100_000))
    return draw.choice((b"[", b'{"customer_id":', b'{"customers":[')) * depth


def _spoiled_body(draw: random.Random, bodies: list[bytes]) -> bytes:
    return _spoiled(draw, draw.choice(bodies))


def _odd_values(draw: random.Random, _: list[bytes]) -> bytes:
    names = (
        "customer_id",
        "customers",
        "features",
        "what_if",
        "ttl_seconds",
        "frequency",
        "tenure_days",
        "\ud800",
        "",
    )
    values = (
        None,
        True,
        -1,
        1e308,
        -1e-308,
        10**400,
        "",
        "\x00",
        "x" * 600,
        "é" * 300,
        [],
        {},
        [{}],
        [[]],
        "1e999",
    )
    found = {draw.choice(names): draw.choice(values) for _ in range(draw.randrange(6))}
    text = json.dumps(draw.choice((found, {"customers": [found, 7, None]}, [found])))
    return text.replace("1e999", draw.choice(("NaN", "1e999", "Infinity"))).encode()


def _large(draw: random.Random, _: list[bytes]) -> bytes:
    return b'{"customer_id": "' + b"x" * draw.choice((600, 100_000, 1_100_000)) + b'"}'


def _many(draw: random.Random, _: list[bytes]) -> bytes:
    customers = [draw.choice(({}, {"custmer_id": 1}, {"customer_id": "C00000001"}))] * draw.choice(
        (1, 500, 600)
    )
    return json.dumps({"customers": customers}).encode()


BODIES = (_random_bytes, _nested, _spoiled_body, _odd_values, _odd_values, _large, _many)

# Requests.


def _plain(draw: random.Random, bodies: list[bytes]) -> bytes:
    return _request(draw, _body(draw, bodies))


def _wrong_length(draw: random.Random, bodies: list[bytes]) -> bytes:
    lengths = (
        b"-1",
        b"0",
        b"1",
        b"99999",
        b"9" * 30,
        b"9" * 5000,
        b"abc",
        b"",
        b"1, 2",
        b"+5",
        b"0x10",
        b"\xff",
    )
    return _request(draw, _body(draw, bodies)[:5000], length=draw.choice(lengths))


def _two_lengths(draw: random.Random, bodies: list[bytes]) -> bytes:
    more = draw.choice(
        (b"content-length: 3", b"transfer-encoding: chunked", b"transfer-encoding: gzip, chunked")
    )
    return _request(draw, _body(draw, bodies)[:5000], more)


def _chunked(draw: random.Random, bodies: list[bytes]) -> bytes:
    head = (
        b"POST /predict HTTP/1.1\r\nhost: localhost\r\n"
        + JSON
        + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    body = draw.choice(bodies)
    size = draw.choice(
        (b"%x" % len(body), b"fffffffffffffffff", b"-1", b"zz", b"", b"1", b"%x;a=b" % len(body))
    )
    return (
        head
        + size
        + b"\r\n"
        + body
        + draw.choice((b"\r\n0\r\n\r\n", b"\r\n", b"", b"\r\n0\r\nx: y\r\n\r\n"))
    )


def _headers(draw: random.Random, bodies: list[bytes]) -> bytes:
    names = (
        b"x-api-key",
        b"authorization",
        b"host",
        b"origin",
        b"content-type",
        b"content-encoding",
        b"expect",
        b"te",
    )
    values = (
        b"",
        b"x" * 70_000,
        b"\x00",
        b"\xff\xfe",
        b"gzip",
        b"Bearer ",
        b"100-continue",
        b"a\r\n b",
        b"\t",
        b"*/*",
    )
    count = draw.choice((1, 3, 50, 500))
    lines = [
        draw.choice(names) + draw.choice((b": ", b":", b" : ", b"")) + draw.choice(values)
        for _ in range(count)
    ]
    return _request(draw, draw.choice(bodies), *lines)


def _gzipped(draw: random.Random, bodies: list[bytes]) -> bytes:
    packed = gzip.compress(
        draw.choice((_body(draw, bodies), b" " * 5_000_000)), compresslevel=1, mtime=0
    )
    return _request(
        draw, packed, b"content-encoding: " + draw.choice((b"gzip", b"br", b"gzip, gzip"))
    )


def _request_line(draw: random.Random, _: list[bytes]) -> bytes:
    odd = (
        b"/%00",
        b"/%ff%fe",
        b"/../../etc/passwd",
        b"//",
        b"/" + b"a" * 70_000,
        b"*",
        b"http://x/",
        b"/customers/%",
    )
    path = draw.choice((*odd, *GETS, *PATHS)) + draw.choice(
        (b"", b"?a=b&a", b"?%zz", b"#x", b"/" + draw.randbytes(5))
    )
    version = draw.choice((b"HTTP/1.1", b"HTTP/1.0", b"HTTP/9.9", b"", b"HTP"))
    host = draw.choice(
        (b"host: localhost\r\n", b"", b"host: rebound.example\r\n", b"host: \xff\r\n")
    )
    return draw.choice(METHODS) + b" " + path + b" " + version + b"\r\n" + host + b"\r\n"


def _other_protocols(draw: random.Random, _: list[bytes]) -> bytes:
    upgrade = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    websocket = (
        upgrade
        + b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    return draw.choice(
        (
            websocket,
            tls + draw.randbytes(100),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            draw.randbytes(500),
        )
    )


def _pipelined(draw: random.Random, bodies: list[bytes]) -> bytes:
    return b"".join(
        _request(draw, _body(draw, bodies)[:2000]) for _ in range(draw.randrange(2, 20))
    )


Make = Callable[[random.Random, list[bytes]], bytes]
KINDS: tuple[Make, ...] = (
    _plain,
    _plain,
    _wrong_length,
    _two_lengths,
    _chunked,
    _headers,
    _gzipped,
    _request_line,
    _other_protocols,
    _pipelined,
)
