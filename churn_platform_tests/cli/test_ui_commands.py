"""The UI starts on this machine alone, and says its address last."""

import os
import socket
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread

import pytest

from churn_platform.cli import ui_commands
from churn_platform.cli.app import literal_console
from churn_platform.errors import ChurnError


def test_a_port_in_use_is_refused_with_the_next_command():
    """Dagster alone would take another, and nobody would know which."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ChurnError, match=rf"port {port} of .* --port {port + 1}`"):
            ui_commands.dev(port=port)


def test_the_services_listen_on_loopback_and_know_their_environment():
    """So that `dg` has nothing to warn of; what each sensor does at each look is not printed."""
    command = ui_commands._command(3111)
    assert command[1:] == [
        *("dev", "--host", "127.0.0.1"),
        *("--port", "3111"),
        *("--log-level", "warning"),
    ]
    assert ui_commands._environment() == os.environ | {"VIRTUAL_ENV": sys.prefix}


class Answering(BaseHTTPRequestHandler):
    """A UI that answers."""

    def do_GET(self) -> None:
        """Every request."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the test's output."""


def test_the_address_is_printed_once_it_answers(monkeypatch: pytest.MonkeyPatch):
    """Not before, when a click would show an error."""
    printed = StringIO()
    monkeypatch.setattr(ui_commands, "console", literal_console(printed))
    services = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with HTTPServer(("127.0.0.1", 0), Answering) as ui, services:
        Thread(target=ui.handle_request, daemon=True).start()
        ui_commands._announce(services, ui.server_port)
        services.communicate(b"\n")
    assert printed.getvalue() == f"Dagster UI: http://127.0.0.1:{ui.server_port} (Ctrl-C ends it)\n"
