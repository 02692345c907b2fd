"""API keys: random secrets of which only a hash is kept, each with a name, scopes and a rate.

A key has 256 random bits, so a plain SHA-256 of it cannot be guessed backwards; slow hashes are for passwords.
"""

import fcntl
import hashlib
import logging
import math
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from serving.errors import SettingsError

SCOPES = ("score", "push", "admin")
SLOTS = 4096

logger = logging.getLogger(__name__)


class Key(msgspec.Struct, frozen=True):
    """A key as kept. slot: its place in the table of rates, never given to another key."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    created_at: str
    slot: int
    requests_per_second: float | None = None


class KeyRing:
    """The keys of a file, followed as it changes.

    is_in_use: whether there is a key, or ever was one. It stays so when all are revoked and when the file goes away.
    """

    def __init__(self, path: Path):
        self._path = path
        self.is_in_use = False
        self._stamp: object = None
        self._keys: dict[bytes, Key] = {}
        self.refresh()

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, secret: bytes) -> Key | None:
        """The key whose secret this is; None where there is none."""
        return self._keys.get(hashlib.sha256(secret).digest())

    def refresh(self) -> None:
        """Read the file again if it has changed; a revoked key is refused from then on. SettingsError: unreadable."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self.is_in_use = True
        self._keys = {bytes.fromhex(key.sha256): key for key in read_keys(self._path)}
        self._stamp = stamp
        if not self._keys:
            logger.error("CLOSED: no API key is left, so nobody may ask", extra={"fields": {"file": str(self._path)}})


def read_keys(path: Path) -> list[Key]:
    """The keys of a file; none where there is no file. SettingsError where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Key]) if path.exists() else []
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(f"{path}: cannot be read as API keys: {error}") from error


def add_key(
    path: Path, *, name: str, scopes: Sequence[str], created_at: str, requests_per_second: float | None = None
) -> str:
    """Make a key and keep its hash; returns the secret, which nobody can show again. SettingsError: not allowed."""
    if not name.strip() or not name.isprintable():
        raise SettingsError(f"a key cannot be named {name!r}; say who uses it, in printable characters")
    if requests_per_second is not None and not 0 < requests_per_second < math.inf:
        raise SettingsError(f"a rate of {requests_per_second} requests per second; it must be a number above 0")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise SettingsError(f"no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")
    secret = f"churn_{secrets.token_urlsafe(32)}"
    with _changed(path) as keys:
        if any(key.name == name for key in keys):
            raise SettingsError(f"there is a key named {name!r}; revoke it first, or choose another name")
        slot = next((number for number in range(SLOTS) if number not in {key.slot for key in keys}), None)
        if slot is None:
            raise SettingsError(f"{SLOTS} keys are the most there can be; revoke one first")
        digest = hashlib.sha256(secret.encode()).hexdigest()
        keys.append(Key(name, digest, tuple(scopes), created_at, slot, requests_per_second))
    return secret


def revoke_key(path: Path, *, name: str) -> int:
    """Take a key away; returns how many are left. SettingsError where there is none of that name."""
    with _changed(path) as keys:
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            raise SettingsError(f"no key named {name!r}; there are {', '.join(key.name for key in keys) or 'none'}")
        keys[:] = kept
    return len(kept)


@contextmanager
def _changed(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed in place; written back in one step, readable by the owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (path.parent / f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = read_keys(path)
            yield keys
            _write(path, keys)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error}") from error


def _write(path: Path, keys: list[Key]) -> None:
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(keys)))
        file.flush()
        os.fsync(descriptor)
    Path(draft).replace(path)


def _stamp(path: Path) -> object:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read as API keys: {error}") from error
    return found.st_ino, found.st_mtime_ns, found.st_size
