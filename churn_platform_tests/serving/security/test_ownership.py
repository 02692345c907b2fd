"""A second service takes nothing from the first, and says what is in its way."""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.__main__ import main
from serving.errors import ServiceSettingsError
from serving.security.ownership import check_port, connections_allowed, port_claimed, state_claimed

ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Settings of a service with its state in this test's folder."""
    monkeypatch.setenv("SERVING_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)


@pytest.fixture
def taken():
    """A port that another program listens on, ready to share it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_state_folder_has_one_service(tmp_path):
    """The second is told who has it; when the first has gone, the next may."""
    with (
        state_claimed(tmp_path),
        pytest.raises(ServiceSettingsError, match=rf"process {os.getpid()} serves from {tmp_path}"),
    ):
        state_claimed(tmp_path).__enter__()
    with state_claimed(tmp_path):
        pass


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_worker_ends_with_the_process_that_started_it(seconds):
    """Also where that ends before the worker looks. The pipe is closed when both have ended, else
    in a minute.

    Where tests run in the background, they may have SIGTERM ignored; workers do not.
    """
    code = (
        "import os, signal, time; from serving.security.ownership import end_with_parent\n"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "if os.fork() == 0:\n    time.sleep(0.2)\n    end_with_parent(poll_seconds=0.05)\n    "
        "time.sleep(60)\n"
        f"time.sleep({seconds})"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, timeout=20, check=True
    )


def test_a_second_service_removes_nothing_of_the_first(tmp_path, environment, capsys):
    """It ends with 1 and one line; the first one's counters stay."""
    counters = tmp_path / "state" / "metrics" / "counter_1.db"
    counters.parent.mkdir(parents=True)
    counters.touch()
    with state_claimed(tmp_path / "state"):
        assert main([]) == 1
    assert capsys.readouterr().err.startswith(f"error: process {os.getpid()} serves from")
    assert counters.exists()


def test_a_taken_port_is_named(environment, monkeypatch, taken, capsys):
    """Exit code 1 and one line, though the other program would share the port."""
    monkeypatch.setenv("SERVING_PORT", str(taken))
    assert main([]) == 1
    assert (
        capsys.readouterr().err
        == f"error: port {taken} is taken; stop what listens there, or set SERVING_PORT\n"
    )


def test_of_two_services_that_start_at_once_one_has_the_port():
    """Neither listens yet, so both find it free; the second is refused, and served when the first
    is gone.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    second = port_claimed("127.0.0.1", port)
    refused = pytest.raises(
        ServiceSettingsError, match=f"port {port} is taken by a service that starts"
    )
    with port_claimed("127.0.0.1", port), refused:
        second.__enter__()
    with port_claimed("127.0.0.1", port):
        pass


def test_descriptors_are_raised_and_connections_stay_below_them(monkeypatch):
    """The limit goes up to what the system allows; workers share what is left after the reserve."""
    raised = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 600))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert connections_allowed(1) == 344
    assert raised == [(600, 600)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (65536, 65536))
    assert connections_allowed(4) == 256


def test_too_few_descriptors_are_named(monkeypatch):
    """With the command that raises them."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (300, 300))
    with pytest.raises(
        ServiceSettingsError, match=r"may open 300 files here, and a worker needs 320.*ulimit -n"
    ):
        connections_allowed(1)


def test_an_address_of_another_machine_is_named():
    """192.0.2.1 is in a network for documentation, which nobody has."""
    with pytest.raises(
        ServiceSettingsError, match=r"SERVING_HOST=192\.0\.2\.1, SERVING_PORT=8080: Cannot assign"
    ):
        check_port("192.0.2.1", 8080)


def test_a_state_folder_that_is_a_file_is_named(tmp_path, environment, capsys):
    """No traceback: the setting, the path and the reason."""
    (tmp_path / "state").touch()
    assert main([]) == 1
    assert capsys.readouterr().err.startswith(
        f"error: SERVING_STATE_DIR={tmp_path / 'state'} cannot be written: "
    )
    assert main(["keys", "add", "--name", "crm", "--scope", "score"]) == 1
    assert (
        f"error: {tmp_path / 'state' / 'keys.json'} cannot be written: " in capsys.readouterr().err
    )
