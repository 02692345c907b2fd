"""What requests cost that go wrong, and what look-ups wait for beside batches: ratios in one run.

    python -m benchmarks.serving.courtesy
    python -m benchmarks.serving.courtesy --seconds 5 --senders 4

The service runs as one worker on loopback. A client sends one request after another; those that
send batches beside it are processes of their own.
"""

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.serving.__main__ import cpu_seconds
from benchmarks.serving.targets import OURS, Target, running, targets
from benchmarks.serving.world import World, make_world

SENDER = Path(__file__).with_name("send_batches.py")
BATCH = 500
FEATURES_IN_BATCH = 2
MISSPELT = 21
JSON = {"Content-Type": "application/json"}


class Client:
    """One connection that is kept."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def post(self, path: str, body: bytes) -> bytes:
        """The answer, whatever its status is."""
        self._connection.request("POST", path, body, JSON)
        return self._connection.getresponse().read()

    def get(self, path: str) -> bytes:
        """The answer, whatever its status is."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read()


def misspelt(payload: dict[str, object]) -> dict[str, object]:
    """The first features of a customer, each with a letter doubled."""
    names = list(payload)[:MISSPELT]
    return {name[:4] + name[3:]: payload[name] for name in names}


def camel_case(payload: dict[str, object]) -> dict[str, object]:
    """A customer whose features are named as another language would name them."""
    renamed = {}
    for name, value in payload.items():
        first, *others = name.split("_")
        renamed[first + "".join(word.title() for word in others)] = value
    return renamed


def batch(customers: list[dict[str, object]]) -> bytes:
    """A batch's body."""
    return json.dumps({"customers": customers}).encode()


def right_batch(world: World) -> bytes:
    """Known customers with two features that are sent."""
    customers = []
    for number in range(BATCH):
        payload = world.payloads[number % len(world.payloads)]
        sent = list(payload.items())[:FEATURES_IN_BATCH]
        customers.append({"customer_id": world.ids[number % len(world.ids)], **dict(sent)})
    return batch(customers)


def wrong_batch(world: World) -> bytes:
    """Customers of whom no feature is known by the name that is sent, each wrong in its own way."""
    customers = []
    for number in range(BATCH):
        wrong = misspelt(world.payloads[number % len(world.payloads)])
        customers.append({f"{name}{number}": value for name, value in wrong.items()})
    return batch(customers)


def cost(pid: int, seconds: float, act: Callable[[], object]) -> tuple[float, float]:
    """(processor time of the service, time until the answer) of one act, in microseconds."""
    before, begun, times = cpu_seconds(pid), time.perf_counter(), []
    while time.perf_counter() - begun < seconds:
        since = time.perf_counter()
        act()
        times.append(time.perf_counter() - since)
    used = cpu_seconds(pid) - before
    return used / len(times) * 1e6, statistics.median(times) * 1e6


@contextmanager
def loaded(port: int, body: bytes, senders: int, folder: Path) -> Iterator[None]:
    """While `senders` clients send the batch over and over."""
    (folder / "batch").write_bytes(body)
    command = [sys.executable, str(SENDER), str(port), str(folder / "batch")]
    sending = [subprocess.Popen(command) for _ in range(senders)]
    time.sleep(1.0)  # until they have begun
    try:
        yield
    finally:
        for process in sending:
            process.kill()
            process.wait()


def wrong_requests(world: World, port: int, pid: int, seconds: float) -> None:
    """What a request costs that is wrong, beside one that is right."""
    payload, client = world.payloads[0], Client(port)
    bodies = {
        "right, 45 features": payload,
        f"{MISSPELT} misspelt names": misspelt(payload),
        "45 names in camelCase": camel_case(payload),
    }
    base = None
    for name, body in bodies.items():
        encoded = json.dumps(body).encode()
        used, wall = cost(pid, seconds, lambda encoded=encoded: client.post("/predict", encoded))
        base = base or used
        print(
            f"{name:30} {used:10,.0f} us of CPU, {used / base:6.1f} x right; "
            f"answer after {wall:8,.0f} us"
        )


def documents(port: int, pid: int, seconds: float) -> None:
    """What the OpenAPI document costs."""
    client = Client(port)
    used, wall = cost(pid, seconds, lambda: client.get("/schema/openapi.json"))
    print(f"{'OpenAPI document':30} {used:10,.0f} us of CPU; answer after {wall:8,.0f} us")


def batches(world: World, port: int, pid: int, seconds: float, senders: int) -> None:
    """What batches cost, and the median of a look-up beside them."""
    look_up = json.dumps({"customer_id": world.ids[0]}).encode()
    idle = _look_up(port, pid, seconds, look_up)
    print(f"{'look-up, nothing beside it':30} {idle / 1e3:8.2f} ms p50")
    for name, body in {"right": right_batch(world), "wrong": wrong_batch(world)}.items():
        client = Client(port)
        send = partial(client.post, "/predict/batch", body)
        used, wall = cost(pid, seconds, send)
        size = len(send())
        print(
            f"{f'{name} batch, {len(body):,} bytes':30} {used:10,.0f} us of CPU; "
            f"answer of {size:,} bytes after {wall:8,.0f} us"
        )
        for number in sorted({1, senders}):
            with loaded(port, body, number, world.folder):
                beside = _look_up(port, pid, seconds, look_up)
            print(
                f"{f'look-up beside {number} x {name}':30} {beside / 1e3:8.2f} ms p50, "
                f"{beside / idle:5.1f} x idle"
            )


def _look_up(port: int, pid: int, seconds: float, body: bytes) -> float:
    """The median time of a look-up, in microseconds."""
    client = Client(port)
    _, wall = cost(pid, seconds, lambda: client.post("/predict", body))
    return wall


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=5_000, help="in the online features")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--senders", type=int, default=3, help="clients that send batches")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        world = make_world(folder, arguments.customers)
        (target,) = _ours(world)
        with running([target], folder) as servers:
            port, pid = target.server.port, servers[OURS]
            wrong_requests(world, port, pid, arguments.seconds)
            documents(port, pid, arguments.seconds)
            batches(world, port, pid, arguments.seconds, arguments.senders)


def _ours(world: World) -> list[Target]:
    return [one for one in targets(world, mlserver=None) if one.name == "ours, by id"]


if __name__ == "__main__":
    main()
