"""`make audit` against a stand-in for OSV's database: `make audit-check`."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from churn_platform_tests.support.deploy_files import ROOT

pytestmark = pytest.mark.slow
WEAK = "litestar"  # in the lock of every image
KNOWN = {
    "id": "GHSA-test",
    "aliases": ["CVE-2026-0001"],
    "summary": "Answers whoever asks.",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": WEAK},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


@contextmanager
def database(weak: str | None) -> Iterator[tuple[str, set[str]]]:
    """The address of one that knows a weakness of a package at most, and what it was asked for."""
    asked: set[str] = set()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name = body["package"]["name"]
            asked.add(name)
            answer = json.dumps({"vulns": [KNOWN]} if name == weak else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query", asked
    finally:
        server.shutdown()
        server.server_close()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    """The target, as the workflow runs it."""
    command = ["make", "--no-print-directory", "audit", f"OSV_URL={url}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)


def test_a_known_weakness_fails_the_audit_and_is_named() -> None:
    """With its number, and the version in which it is mended."""
    with database(WEAK) as (url, _):
        done = audit(url)
    assert done.returncode != 0
    assert WEAK in done.stdout
    assert "CVE-2026-0001" in done.stdout
    assert "99.0" in done.stdout


def test_every_package_of_every_image_is_asked_for() -> None:
    """Where none of them has a known weakness, the audit passes."""
    with database(None) as (url, asked):
        done = audit(url)
    assert done.returncode == 0, done.stderr
    assert {WEAK, "xgboost", "dagster", "onnxruntime"} <= asked
    assert len(asked) > 150


def test_an_audit_that_could_ask_nothing_does_not_pass() -> None:
    """A success would say of each package that it is sound."""
    assert audit("http://127.0.0.1:9/v1/query").returncode != 0
