"""Folders that the workers of a run of the tests share."""

import subprocess
import sys

import pytest

from churn_platform_tests.support.shared import PROCESS, VARIABLE, end_processes, shared


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder of a run of its own."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))


def test_a_folder_is_built_once():
    """Whoever asks later finds what the first one built."""
    built = []
    folders = {shared("a", built.append) for _ in range(2)}
    assert built == list(folders)


def test_what_failed_half_way_is_built_anew():
    """The next worker finds nothing of it."""

    def fail(folder):
        (folder / "half").touch()
        raise RuntimeError("full disk")

    with pytest.raises(RuntimeError):
        shared("a", fail)
    assert not (shared("a", lambda folder: None) / "half").exists()


def test_a_server_ends_with_the_run(tmp_path):
    """Whatever a build has started and noted; one that has ended by itself is no error."""
    waiting = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    shared("server", lambda folder: (folder / PROCESS).write_text(str(waiting.pid)))
    end_processes(tmp_path)
    assert waiting.wait(timeout=20) == -9
    end_processes(tmp_path)
