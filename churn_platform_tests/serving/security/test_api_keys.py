"""API keys on disk: followed whatever else fails, remembered when the file is gone, refused when
not to be trusted.
"""

import contextlib
import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from serving.errors import NotAllowed, ServiceSettingsError
from serving.security.api_keys import FEATURES, add_key, closed_file, read_keys, revoke_key
from serving.security.callers import Caller
from serving.security.key_ring import KeyRing, KeyWatch
from serving.security.ownership import state_claimed
from serving.security.rate_limit import Limiter
from serving.storage.log_segment import OpenSegment
from serving.storage.pushed_store import Overlay

DAY = "2026-01-01"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a state folder with one key, `crm`."""
    add_key(tmp_path / "keys.json", name="crm", scopes=["score"], created_at=DAY)
    return tmp_path / "keys.json"


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


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("gone"))


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _not_hex(path: Path) -> None:
    digest = read_keys(path)[0].sha256
    path.write_text(path.read_text().replace(digest, "g" * 64))


BAD_FILES = {
    "dangling link": (_dangling, "is a link to .*gone, which is not there"),
    "pipe": (_fifo, "is no regular file"),
    "folder": (_folder, "is no regular file"),
    "world-writable": (
        lambda path: path.chmod(0o666),
        "everybody on this machine may write it.*chmod 600",
    ),
    "not UTF-8": (
        lambda path: path.write_bytes(b'[{"name": "\xfc"}]'),
        "is not a file of API keys",
    ),
    "not hexadecimal": (_not_hex, "is not a file of API keys"),
    "deeply nested": (lambda path: path.write_bytes(b"[" * 100_000), "is not a file of API keys"),
}


@pytest.mark.parametrize("spoil", BAD_FILES)
def test_a_file_that_is_not_to_be_trusted_is_named(path, spoil):
    """One line, no traceback and no wait; a ring that runs keeps what it had read."""
    ring = KeyRing(path)
    act, why = BAD_FILES[spoil]
    act(path)
    for read in (ring.refresh, lambda: KeyRing(path), lambda: revoke_key(path, name="crm")):
        with pytest.raises(ServiceSettingsError, match=why):
            read()
    assert (len(ring), ring.is_in_use) == (1, True)


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


def test_a_key_that_may_send_nothing_asks_by_id_alone(path):
    """The scope `features` is one of its own; keys of before have it with `score`."""
    (crm,) = read_keys(path)
    Caller(crm).check_sent(["customer_id"], ("customer_id", "msisdn"))
    with pytest.raises(NotAllowed, match="lacks the scope 'features'"):
        Caller(crm).check_sent(["customer_id", "tickets"], ("customer_id",))
    path.write_text(path.read_text().replace('"layout": 2', '"layout": 1'))
    assert read_keys(path)[0].scopes == ("score", FEATURES)


def test_a_rate_counts_customers(tmp_path):
    """25 customers at 10 a second: let through when nothing was asked before, and paid for
    afterwards.
    """
    limiter = Limiter(tmp_path / "rates", count_max=500)
    assert limiter.wait_seconds(0, 10, 100.0) == 0
    assert limiter.wait_seconds(0, 10, 100.0, count=25, counted=1) == 0
    assert limiter.wait_seconds(0, 10, 100.0) == pytest.approx(1.6)
    assert limiter.wait_seconds(0, 10, 101.7) == 0
    assert limiter.wait_seconds(0, 10, 101.7, count=25, counted=1) > 0


def test_what_tells_of_customers_is_its_owners_alone(tmp_path):
    """The state folder, the prediction log, pushed features; also folders that an earlier version
    left readable.
    """
    state, log = tmp_path / "state", tmp_path / "state" / "log" / "tiny"
    with state_claimed(state):
        log.mkdir(parents=True, mode=0o755)
        segment = OpenSegment(log, "worker")
        overlay = Overlay(state / "overlay")
        private = [state, log, state / "overlay", segment.path, *(state / "overlay").glob("*.mdb")]
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) & 0o077 for path in private}
        overlay.close()
    assert len(modes) == 6
    assert set(modes.values()) == {0}


def test_the_rights_of_a_folder_of_others_stay(tmp_path):
    """SERVING_STATE_DIR may name a folder with other things in it."""
    (tmp_path / "letter").touch()
    tmp_path.chmod(0o755)
    for _ in range(2):
        with state_claimed(tmp_path):
            assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
