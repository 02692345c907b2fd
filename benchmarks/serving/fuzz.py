"""Sends nonsense over raw sockets to a service of its own.

No answer may be a 5xx. Once the clients are gone no connection may be left, and neither memory nor
descriptors may have grown.

    python -m benchmarks.serving.fuzz --seconds 600

The statuses 503 and 507 are documented answers and do not count. What is sent follows from the
seed; which answers it meets depends on time, so a finding is printed with its bytes.
"""

import argparse
import asyncio
import random
import re
import socket
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from benchmarks.serving.kill import workers
from benchmarks.serving.nonsense import SLOW, Sent, nonsense
from benchmarks.serving.targets import OURS, Target, running, targets
from benchmarks.serving.world import make_world

HOST = "127.0.0.1"
QUICK_CLIENTS, SLOW_CLIENTS = 8, 16
REQUEST_SECONDS = 2.0  # of the service: short, so that slow senders meet its limit often
ANSWER_SECONDS, EXCHANGE_SECONDS = 1.0, 45.0
WARM_SHARE = 0.2
SETTLE_SECONDS = 35.0  # granian gives up a silent connection after 30
GROWTH_BYTES_MAX, GROWTH_DESCRIPTORS_MAX = 20 << 20, 4
DOCUMENTED = (503, 507)
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass
class Found:
    """What the clients met."""

    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def heard(self, sent: Sent, answer: bytes) -> None:
        """Count one connection's answers."""
        statuses = [int(text) for text in STATUS_LINE.findall(answer)]
        self.statuses.update(str(status) for status in statuses)
        if not statuses:
            self.statuses["no answer"] += 1
        if any(status >= 500 and status not in DOCUMENTED for status in statuses):
            self.failures.append(f"{sent.name}: {sent.data[:300]!r} got {answer[:400]!r}")


async def fuzz(port: int, seconds: float, seed: int, bodies: list[bytes], found: Found) -> None:
    """Let the clients send until the time is over."""
    until = time.monotonic() + seconds
    clients = QUICK_CLIENTS + SLOW_CLIENTS
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            draw = random.Random(f"{seed} {number}")
            group.create_task(
                _client(port, until, draw, bodies, found, is_slow=number >= QUICK_CLIENTS)
            )


async def _client(
    port: int,
    until: float,
    draw: random.Random,
    bodies: list[bytes],
    found: Found,
    *,
    is_slow: bool,
) -> None:
    while time.monotonic() < until:
        sent = nonsense(draw, bodies, is_slow=is_slow)
        answer = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(EXCHANGE_SECONDS):
                answer = await _exchange(port, sent, draw)
        found.heard(sent, answer)


async def _exchange(port: int, sent: Sent, draw: random.Random) -> bytes:
    """What one connection answers; empty where it is closed without a word, or is left before."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return b""
    try:
        await _send(writer, sent, draw)
        if sent.is_left:
            _reset_on_close(writer)
            return b""
        if sent.is_cut_off and writer.can_write_eof():
            writer.write_eof()
        return await _read(reader)
    except OSError:
        return b""
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _send(writer: asyncio.StreamWriter, sent: Sent, draw: random.Random) -> None:
    if sent.name != SLOW:
        writer.write(sent.data)
        await writer.drain()
        return
    for place in range(0, len(sent.data), 7):
        writer.write(sent.data[place : place + 7])
        await writer.drain()
        await asyncio.sleep(draw.uniform(0, 0.5))


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    """Close without a farewell, as a client that died."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)


async def _read(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the service closes, or says nothing for a while."""
    answer = b""
    with suppress(TimeoutError):
        while piece := await asyncio.wait_for(reader.read(1 << 16), ANSWER_SECONDS):
            answer += piece
            if _is_whole(answer):
                break
    return answer


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(separator) and length is not None and len(body) >= int(length[1])


@dataclass(frozen=True)
class Use:
    """What the workers hold: anonymous memory in bytes, open descriptors, and those of them that
    are connections.
    """

    processes: tuple[int, ...]
    memory: int
    descriptors: int
    connections: int

    def __str__(self) -> str:
        memory = f"{self.memory / 1e6:.1f} MB of anonymous memory"
        return f"{memory}, {self.descriptors} descriptors, {self.connections} connections"


def use(server: int) -> Use:
    """Of all workers of a server, now."""
    found = tuple(sorted(workers(server)))
    memory = sum(_anonymous_bytes(process) for process in found)
    descriptors = sum(psutil.Process(process).num_fds() for process in found)
    return Use(found, memory, descriptors, sum(_connections(process) for process in found))


def _connections(process: int) -> int:
    """Accepted and not closed by the service, whatever the client has done since."""
    sockets = psutil.Process(process).net_connections(kind="tcp")
    return sum(one.status != psutil.CONN_LISTEN for one in sockets)


def _anonymous_bytes(process: int) -> int:
    """Without pages of mapped files, which come and go as the system likes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def faults(before: Use, after: Use) -> list[str]:
    """What grew between two moments at rest, died, or was left behind."""
    found = []
    if after.processes != before.processes:
        found.append(f"workers {before.processes} became {after.processes}")
    if after.memory > before.memory + GROWTH_BYTES_MAX:
        found.append(f"memory grew by {(after.memory - before.memory) / 1e6:.1f} MB")
    if after.descriptors > before.descriptors + GROWTH_DESCRIPTORS_MAX:
        found.append(f"descriptors grew by {after.descriptors - before.descriptors}")
    if after.connections:
        found.append(f"{after.connections} connections are left, though every client is gone")
    return found


@contextmanager
def started(folder: Path) -> Iterator[tuple[Target, int]]:
    """A service on a small world, as its target and the id of its process."""
    world = make_world(folder, customers=2_000)
    (target,) = [
        one for one in targets(world, mlserver=None, workers=2) if one.name == "ours, by id"
    ]
    settings = target.server.environment | {"SERVING_REQUEST_SECONDS": str(REQUEST_SECONDS)}
    target = replace(target, server=replace(target.server, environment=settings))
    with running([target], folder) as servers:
        yield target, servers[OURS]


def main() -> None:
    """Run and print; SystemExit for a 5xx, a dead worker, or growth."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    found = Found()
    with tempfile.TemporaryDirectory() as name, started(Path(name).resolve()) as (target, server):
        bodies = [body.encode() for body in target.bodies[:50]]
        port = target.server.port
        warm = arguments.seconds * WARM_SHARE
        asyncio.run(fuzz(port, warm, arguments.seed, bodies, found))
        time.sleep(SETTLE_SECONDS)
        before = use(server)
        asyncio.run(fuzz(port, arguments.seconds - warm, arguments.seed + 1, bodies, found))
        time.sleep(SETTLE_SECONDS)
        after = use(server)
        healthy = asyncio.run(
            _exchange(
                port,
                Sent("health", b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"),
                random.Random(),
            )
        )
    wrong = [*found.failures[:10], *faults(before, after)]
    if b"HTTP/1.1 200 " not in healthy:
        wrong.append(f"afterwards GET /health got {healthy[:200]!r}")
    print(f"{sum(found.statuses.values()):,} answers: {dict(sorted(found.statuses.items()))}")
    print(f"after the first {warm:g} s: {before}; at the end: {after}")
    if wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
