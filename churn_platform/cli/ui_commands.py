"""The command that opens Dagster's UI."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from churn_platform.cli.app import app, console
from churn_platform.errors import ChurnError

HOST = "127.0.0.1"
SECONDS_BETWEEN_LOOKS = 0.5


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port of the UI.")] = 3000) -> None:
    """Start Dagster's UI and daemon on this machine, and print the address once it answers."""
    _require_free(port)
    _go_on_from_now()
    # A shell without a terminal starts `make dev &` with interrupts ignored. Dagster would hand
    # that on to its services, which then would not end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    services = subprocess.Popen(_command(port), env=_environment())
    # A terminal sends an interrupt to the services, too; a second one would cut them short.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda number, _: services.send_signal(number))
    threading.Thread(
        target=_announce,
        args=(services, port),
        daemon=True,
    ).start()
    raise typer.Exit(services.wait())


def _go_on_from_now() -> None:
    """Wake sensors and schedules that a clock which was ahead has put to sleep."""
    from churn_platform.graph.clock import forget_future_looks
    from churn_platform.graph.runs import dagster_instance

    with dagster_instance(Path.cwd()) as instance:
        for name in forget_future_looks(instance, datetime.now(UTC)):
            console.print(f"{name} had last looked in the future, and goes on from now")


def _require_free(port: int) -> None:
    # Dagster would look for another port, and nobody would know which.
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as error:
            raise ChurnError(
                f"port {port} of {HOST} cannot be used ({error.strerror}); "
                f"try another, `churn dev --port {port + 1}`"
            ) from error


def _command(port: int) -> list[str]:
    # Nothing below warnings: each look of each sensor would be a line, and bury the address.
    dg = str(Path(sys.executable).with_name("dg"))
    return [dg, "dev", "--host", HOST, "--port", str(port), "--log-level", "warning"]


def _environment() -> dict[str, str]:
    # `dg` warns if the environment of its project is not the active one, which it is.
    return os.environ | {"VIRTUAL_ENV": sys.prefix}


def _announce(services: subprocess.Popen[bytes], port: int) -> None:
    """Print the address as soon as the UI answers there; nothing if the services end before."""
    address = f"http://{HOST}:{port}"
    waiting = threading.Event()
    while services.poll() is None:
        if _answers(address):
            console.print(f"Dagster UI: {address} (Ctrl-C ends it)")
            return

        waiting.wait(SECONDS_BETWEEN_LOOKS)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5):
            return True
    except OSError:
        return False
