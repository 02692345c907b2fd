"""Which keys a process knows, and what it does when none is left."""

import contextlib
import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from serving.errors import ServiceSettingsError
from serving.security.api_keys import add_key, closed_file, read_keys, revoke_key
from serving.security.key_ring import KeyRing, KeyWatch


def test_a_key_is_kept_as_a_hash_and_found_by_its_secret(tmp_path):
    """The file holds no secret and is its owner's alone; a name is taken once; a revoked key is
    gone.
    """
    path = tmp_path / "keys.json"
    secret = add_key(path, name="crm", scopes=["score"], created_at="2026-01-01")
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ring = KeyRing(path)
    assert ring.find(secret.encode()) == read_keys(path)[0]
    assert ring.find(b"churn_other") is None
    with pytest.raises(ServiceSettingsError, match="there is a key named 'crm'"):
        add_key(path, name="crm", scopes=["push"], created_at="2026-01-01")
    assert revoke_key(path, name="crm") == 0
    ring.refresh()
    assert (len(ring), ring.find(secret.encode())) == (0, None)


def test_keys_stay_in_use_when_none_is_left(tmp_path, caplog):
    """Not before the first one; then also after the last was revoked, for a later process, and
    without the file.
    """
    path = tmp_path / "keys.json"
    ring = KeyRing(path)
    assert not ring.is_in_use
    add_key(path, name="crm", scopes=["score"], created_at="2026-01-01")
    ring.refresh()
    revoke_key(path, name="crm")
    assert caplog.text == ""
    ring.refresh()
    assert "CLOSED: no API key is left" in caplog.text
    assert ring.is_in_use and KeyRing(path).is_in_use
    path.unlink()
    ring.refresh()
    assert ring.is_in_use


DAY = "2026-01-01"


def test_a_lost_file_leaves_a_later_process_closed(path):
    """As for a worker that is started anew: that there were keys is remembered
    apart from the file.
    """
    path.unlink()
    assert KeyRing(path).is_in_use


def test_keys_of_an_earlier_version_are_remembered_once_they_are_read(path):
    """Its state folder has the file of keys alone."""
    closed_file(path).unlink()
    KeyRing(path).close()
    path.unlink()
    assert KeyRing(path).is_in_use


def test_a_service_that_is_opened_again_is_open(path):
    """Both files removed, as `keys revoke` says."""
    path.unlink()
    closed_file(path).unlink()
    assert not KeyRing(path).is_in_use


@contextlib.contextmanager
def no_descriptor_left():
    """Take every file descriptor that this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    highest = max(
        int(open_one.name) for open_one in Path("/proc/self/fd").iterdir()
    )  # none may be beyond the limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    try:
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_key_is_revoked_without_a_free_file_descriptor(path):
    """The ring holds one in reserve for that, and takes it back."""
    secret = add_key(path, name="shop", scopes=["score"], created_at=DAY).encode()
    ring = KeyRing(path)
    for name, left in (("shop", 1), ("crm", 0)):
        revoke_key(path, name=name)
        with no_descriptor_left():
            ring.refresh()
        assert (len(ring), ring.find(secret)) == (left, None)
    ring.close()


def test_a_failed_look_leaves_the_time_of_the_last_good_one(path, caplog):
    """So that its age tells how old the keys are that hold; the thread goes on,
    and says so once.
    """
    ring = KeyRing(path)
    looked_at, told, third = ring.looked_at, [], threading.Event()
    path.write_text("no keys")

    def looked(instant: float) -> None:
        told.append(instant)
        if len(told) == 3:
            third.set()

    watch = KeyWatch(ring, seconds=0.001, looked=looked)
    watch.start()
    assert third.wait(20)
    watch.stop()
    assert set(told) == {looked_at}
    assert caplog.text.count("API keys cannot be read; those read before hold on") == 1
    assert ring.age_seconds() >= 0
