"""Two hosts serve from one store while champions change: a drill with real services and S3.

Run it with `make hosts-check`; figures are in docs/drills.md.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from churn_platform.published.live_file import go_live
from churn_platform.published.prediction_log import read_segment
from churn_platform.published.shared import SharedPortfolio
from churn_platform.storage.opening import open_part
from churn_platform.storage.store import Store
from churn_platform.training.model import ChurnModel
from churn_platform_tests.support.processes import serving
from churn_platform_tests.support.round_robin import round_robin
from churn_platform_tests.support.s3_server import S3Server
from churn_platform_tests.support.served_bundles import (
    MONTH,
    PEOPLE,
    publish_month,
    publish_version,
)
from churn_platform_tests.support.waiting import eventually

pytestmark = pytest.mark.slow
SWAPS = 100
CUSTOMER = str(PEOPLE.customer_ids[0])


class Client:
    """Asks one host, and keeps what it was answered."""

    def __init__(self, port: int):
        self.port, self.url = port, f"http://127.0.0.1:{port}/tiny/predict"
        self.answered: set[str] = set()
        self.failures: list[str] = []
        self.version = 0

    def ask(self) -> int:
        """The version that answers."""
        body = json.dumps({"customer_id": CUSTOMER}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found = json.loads(answer.read())
            self.answered.add(answer.headers["x-request-id"])
        return int(found["model_version"])

    def ask_until(self, ended: threading.Event) -> None:
        """Ask again and again; what fails is kept."""
        while not ended.is_set():
            try:
                self.version = self.ask()
            except Exception as error:
                self.failures.append(repr(error))


@contextmanager
def asked_all_the_time(clients: list[Client]) -> Iterator[None]:
    """Each client asks in a thread of its own, until the block ends."""
    ended = threading.Event()
    threads = [threading.Thread(target=client.ask_until, args=(ended,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_champions_change_on_both_hosts_and_no_request_fails(
    tmp_path: Path, s3_server: S3Server, booster: ChurnModel
) -> None:
    """After each change both answer by the new version, asked themselves and through a proxy; every
    answer is on the store in the end.
    """
    location, options = s3_server.new_url(), s3_server.options
    published = open_part(location, "published", options=options, setting="CHURN_STORE")
    log = open_part(location, "log", options=options, setting="CHURN_STORE")
    root = tmp_path / "platform" / "tiny"
    for version in (1, 2):
        publish_version(root, version, booster)
    publish_month(root, booster, scored_by=1)
    shared = SharedPortfolio(published, root)
    go_live(root, "tiny", champion=1, features_month=MONTH, shared=shared)
    settings = {
        "SERVING_STORE": location,
        "SERVING_STORE_ENDPOINT": options.endpoint,
        "SERVING_STORE_SSL": "false",
        "SERVING_STORE_KEY_ID": options.key_id,
        "SERVING_STORE_SECRET_KEY": options.secret_key,
        "SERVING_POLL_SECONDS": "0.5",
        "SERVING_LOG_SEGMENT_SECONDS": "1",
    }
    seconds = []
    with ExitStack() as hosts:
        clients = []
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            port = hosts.enter_context(serving(tmp_path / name, workers=1, **settings))
            clients.append(Client(port))
        proxy = hosts.enter_context(round_robin([client.port for client in clients]))
        behind_proxy = Client(proxy)
        everyone = [*clients, behind_proxy]
        with asked_all_the_time(everyone):
            for swap in range(SWAPS):
                champion = 2 - swap % 2
                go_live(root, "tiny", champion=champion, shared=shared)
                begun = time.monotonic()
                eventually(
                    lambda wanted=champion: all(one.version == wanted for one in clients),
                    seconds=60,
                )
                seconds.append(time.monotonic() - begun)
        assert [client.failures for client in everyone] == [[], [], []]
        assert len(behind_proxy.answered) > SWAPS
        expected = set().union(*(client.answered for client in everyone))
        eventually(lambda: expected <= shipped(log, tmp_path / "segments"), seconds=60)
    # What the workers closed as they ended was shipped before the services were gone.
    assert list(tmp_path.glob("[ab]/state/log/*/[0-9]*")) == []
    seconds.sort()
    print(
        f"\n{SWAPS} changes of champion, {len(expected):,} answers, 0 failures; both hosts on the "
        f"new version after {seconds[SWAPS // 2]:.2f} s (median), {seconds[-1]:.2f} s at most"
    )


def shipped(log: Store, folder: Path) -> set[str]:
    """The requests whose answers are on the store."""
    found = set()
    for each in log.list("tiny"):
        path = folder / each.key.rpartition("/")[2]
        if not path.exists():
            log.download(each.key, path)
        found.update(item.request_id for item in read_segment(path))
    return found
