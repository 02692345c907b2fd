"""A real S3 server for tests: SeaweedFS on loopback, one for all workers of a run."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from churn_platform.errors import StoreError
from churn_platform.storage.opening import open_store
from churn_platform.storage.options import StoreOptions
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.shared import PROCESS, shared
from churn_platform_tests.support.waiting import eventually

BUCKET = "tests"
KEY_ID, SECRET_KEY = "test-key-id", "test-secret-of-the-store"
# An Admin's first write to a bucket makes it. The other may use this one bucket and make none.
IDENTITIES = {
    "admin": {"key": ("admin-key-id", "admin-secret"), "actions": ["Admin"]},
    "churn": {
        "key": (KEY_ID, SECRET_KEY),
        "actions": [f"{action}:{BUCKET}" for action in ("Read", "Write", "List", "Tagging")],
    },
}
_places = count()


@dataclass(frozen=True)
class S3Server:
    """Where the server listens, and by which process."""

    port: int
    process: int

    @property
    def options(self) -> StoreOptions:
        """The options that reach it; impatient, for nothing here is far away."""
        return self.options_of(KEY_ID, SECRET_KEY)

    def options_of(self, key_id: str, secret_key: str) -> StoreOptions:
        """The options with other credentials."""
        return StoreOptions(
            endpoint=f"127.0.0.1:{self.port}",
            use_ssl=False,
            key_id=key_id,
            secret_key=secret_key,
            timeout_seconds=10,
            retries=1,
        )

    def overrides(self) -> dict[str, Any]:
        """The settings that lead the platform to it."""
        return {
            "store_endpoint": f"127.0.0.1:{self.port}",
            "store_ssl": False,
            "store_key_id": KEY_ID,
            "store_secret_key": SECRET_KEY,
            "store_timeout_seconds": 10,
            "store_retries": 1,
        }

    def stop(self) -> None:
        """End it."""
        os.kill(self.process, signal.SIGKILL)

    def new_url(self) -> str:
        """A prefix that no other test of this run has."""
        return f"s3://{BUCKET}/{os.getpid()}/{next(_places)}"


def s3_server_of_run() -> S3Server:
    """The server, started by the first worker that asks for it."""
    folder = shared("s3", _start)
    return _server_of(folder)


def start_s3_server(folder: Path) -> S3Server:
    """A server of one's own, with its data in a new folder; whoever starts it stops it."""
    folder.mkdir(parents=True)
    _start(folder)
    return _server_of(folder)


def _server_of(folder: Path) -> S3Server:
    port = int((folder / "port").read_text())
    return S3Server(port, int((folder / PROCESS).read_text()))


def _start(folder: Path) -> None:
    (folder / "s3.json").write_text(json.dumps({"identities": _identities()}))
    ports = free_ports(8)
    parts = ["master", "volume", "filer", "s3"]
    named = [
        option
        for part, port, grpc in zip(parts, ports[::2], ports[1::2], strict=True)
        for option in (f"-{part}.port={port}", f"-{part}.port.grpc={grpc}")
    ]
    quiet = ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    # A bucket grows by some volumes at once, and must not wait for room.
    room = ["-master.volumeSizeLimitMB=128", "-volume.max=100"]
    weed = Path(sys.executable).with_name("weed")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(str(weed), "-logtostderr=true", "server"),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"),
                *("-s3", f"-s3.config={folder / 's3.json'}"),
                *named,
                *quiet,
                *room,
            ],
            stdout=log,
            stderr=log,
            # Ctrl-C in pytest must reach the tests, which may still read.
            start_new_session=True,
        )
    (folder / PROCESS).write_text(str(server.pid))
    (folder / "port").write_text(str(ports[6]))
    eventually(lambda: _answers(server, ports[6]), seconds=60)


def _identities() -> list[dict[str, object]]:
    return [
        {
            "name": name,
            "credentials": [{"accessKey": who["key"][0], "secretKey": who["key"][1]}],
            "actions": who["actions"],
        }
        for name, who in IDENTITIES.items()
    ]


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    assert server.poll() is None, "SeaweedFS ended by itself; its log is beside its data"
    admin = S3Server(port, server.pid).options_of(*IDENTITIES["admin"]["key"])
    try:
        open_store(f"s3://{BUCKET}", admin, setting="tests").put("made", b"")
    except StoreError:
        return False
    return True
