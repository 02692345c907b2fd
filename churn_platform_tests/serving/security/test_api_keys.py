"""API keys on disk: followed whatever else fails, remembered when the file is gone, refused when
not to be trusted.
"""

import math
import os
import stat
from pathlib import Path

import pytest

from serving.errors import NotAllowed, ServiceSettingsError
from serving.security.api_keys import FEATURES, add_key, read_keys, revoke_key
from serving.security.callers import Caller
from serving.security.key_ring import KeyRing
from serving.security.ownership import state_claimed
from serving.storage.log_segment import OpenSegment
from serving.storage.pushed_store import Overlay

DAY = "2026-01-01"


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


def test_a_key_that_may_send_nothing_asks_by_id_alone(path):
    """The scope `features` is one of its own; keys of before have it with `score`."""
    (crm,) = read_keys(path)
    Caller(crm).check_sent(["customer_id"], ("customer_id", "msisdn"))
    with pytest.raises(NotAllowed, match="lacks the scope 'features'"):
        Caller(crm).check_sent(["customer_id", "tickets"], ("customer_id",))
    path.write_text(path.read_text().replace('"layout": 2', '"layout": 1'))
    assert read_keys(path)[0].scopes == ("score", FEATURES)


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


@pytest.mark.parametrize(
    ("name", "rate", "why"),
    [
        ("crm", 0.0, "a rate of 0.0 requests"),
        ("crm", -5.0, "a rate of -5.0"),
        ("crm", math.nan, "a rate of nan"),
        ("crm", math.inf, "a rate of inf"),
        ("", None, "cannot be named ''"),
        (" ", None, "cannot be named ' '"),
        ("a\tb", None, "printable"),
    ],
)
def test_a_key_has_a_name_and_a_rate_above_zero(tmp_path, name, rate, why):
    """Anything else is refused, and no key is made."""
    path = tmp_path / "keys.json"
    with pytest.raises(ServiceSettingsError, match=why):
        add_key(
            path, name=name, scopes=["score"], created_at="2026-01-01", requests_per_second=rate
        )
    assert read_keys(path) == []
