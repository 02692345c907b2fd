"""API keys: random secrets of which only a hash is kept, each with a name, scopes, portfolios and a
rate.

A key has 256 random bits, so a plain SHA-256 of it cannot be guessed backwards; slow hashes are for
passwords.
"""

import errno
import fcntl
import hashlib
import math
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from serving.errors import ServiceSettingsError
from serving.storage.private_files import FOLDER, write_privately

SCORE, FEATURES, PUSH, ADMIN = "score", "features", "push", "admin"
SCOPES = (SCORE, FEATURES, PUSH, ADMIN)
SLOTS = 4096
LAYOUT_NOW = 2
FILE_BYTES_MAX = 16 << 20
CLOSED_SUFFIX = ".closed"


class Key(msgspec.Struct, frozen=True):
    """A key as kept.

    slot: its place in the table of rates, never given to another key.
    portfolios: those that it is for; none named means all.
    layout: keys of layout 1, made before there was the scope `features`, have it with `score`.
    """

    name: Annotated[str, Meta(min_length=1)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$", description="64 hexadecimal digits")]
    scopes: tuple[str, ...]
    created_at: str
    slot: Annotated[int, Meta(ge=0, lt=SLOTS)]
    requests_per_second: Annotated[float, Meta(gt=0)] | None = None
    portfolios: tuple[str, ...] = ()
    layout: int = 1


def read_keys(path: Path) -> list[Key]:
    """The keys of a file; none if there is no file. ServiceSettingsError if it cannot be
    read, or trusted.
    """
    if stamp_of(path) is None:
        return []

    try:
        keys = msgspec.json.decode(_content(path), type=list[Key])
    except OSError as error:
        raise ServiceSettingsError(
            f"{path}: cannot be read as API keys: {error.strerror}"
        ) from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ServiceSettingsError(
            f"{path}: is not a file of API keys: {error}; put a backup back, or remove it "
            "and make the keys again"
        ) from error

    return [_as_now(key) for key in keys]


def _as_now(key: Key) -> Key:
    if key.layout >= LAYOUT_NOW:
        return key

    scopes = (
        (*key.scopes, FEATURES)
        if SCORE in key.scopes and FEATURES not in key.scopes
        else key.scopes
    )
    return msgspec.structs.replace(key, scopes=scopes, layout=LAYOUT_NOW)


def _content(path: Path) -> bytes:
    """The bytes of a regular file that not everybody may write."""
    # Without waiting: opening a pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_trusted(path, os.fstat(descriptor).st_mode)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(FILE_BYTES_MAX + 1)
    finally:
        os.close(descriptor)

    if len(content) > FILE_BYTES_MAX:
        raise ServiceSettingsError(
            f"{path}: has more than {FILE_BYTES_MAX} bytes, so it is no file of API keys; remove it"
        )

    return content


def _check_trusted(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise ServiceSettingsError(
            f"{path}: is no regular file, so no API keys are read; remove it"
        )
    if mode & stat.S_IWOTH:
        raise ServiceSettingsError(
            f"{path}: everybody on this machine may write it, and so make keys; "
            f"run `chmod 600 {path}`"
        )


def stamp_of(path: Path) -> object:
    """What changes when the file does; None if there is none. ServiceSettingsError if that
    cannot be told.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise ServiceSettingsError(
                f"{path}: is a link to {path.readlink()}, which is not there; put the file back, "
                "or remove the link"
            ) from None
        return None
    except OSError as error:
        why = "is a link to itself" if error.errno == errno.ELOOP else error.strerror
        raise ServiceSettingsError(f"{path}: cannot be read as API keys: {why}") from error

    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def closed_file(path: Path) -> Path:
    """The file that says that there are, or were, keys: without them no one may ask any more."""
    return path.with_name(path.stem + CLOSED_SUFFIX)


def are_closed(path: Path) -> bool:
    """Whether there ever was a key, also if the file is gone."""
    return os.path.lexists(closed_file(path))


def close(path: Path) -> None:
    """Remember that there are keys, or raise OSError."""
    path.parent.mkdir(
        parents=True,
        exist_ok=True,
        mode=FOLDER,
    )
    closed_file(path).touch(mode=0o600)


def add_key(
    path: Path,
    *,
    name: str,
    scopes: Sequence[str],
    created_at: str,
    requests_per_second: float | None = None,
    portfolios: Sequence[str] = (),
) -> str:
    """Make a key and keep its hash; returns the secret, which no one can show again.
    ServiceSettingsError: not allowed.
    """
    if not name.strip() or not name.isprintable():
        raise ServiceSettingsError(
            f"a key cannot be named {name!r}; say who uses it, in printable characters"
        )
    if requests_per_second is not None and not 0 < requests_per_second < math.inf:
        raise ServiceSettingsError(
            f"a rate of {requests_per_second} requests per second; it must be a number above 0"
        )

    for portfolio in portfolios:
        if not portfolio.strip():
            raise ServiceSettingsError(
                f"a key cannot be for portfolio {portfolio!r}; leave it out for all of them"
            )

    unknown = []
    for scope in scopes:
        if scope not in SCOPES:
            unknown.append(scope)

    if unknown:
        raise ServiceSettingsError(f"no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")

    # The prefix says what it is when somebody finds one in a log or a file.
    secret = f"churn_{secrets.token_urlsafe(32)}"
    with _changed(path) as keys:
        if any(key.name == name for key in keys):
            raise ServiceSettingsError(
                f"there is a key named {name!r}; revoke it first, or choose another name"
            )
        slot = _free_slot(keys)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        key = Key(
            name,
            digest,
            tuple(scopes),
            created_at,
            slot,
            requests_per_second,
            tuple(portfolios),
            LAYOUT_NOW,
        )
        keys.append(key)

    return secret


def revoke_key(path: Path, *, name: str) -> int:
    """Take a key away; returns how many are left. ServiceSettingsError if there is
    none of that name.
    """
    with _changed(path) as keys:
        kept = [key for key in keys if key.name != name]
        if len(kept) == len(keys):
            raise ServiceSettingsError(
                f"no key named {name!r}; there are {', '.join(key.name for key in keys) or 'none'}"
            )
        keys[:] = kept

    return len(kept)


@contextmanager
def _changed(path: Path) -> Iterator[list[Key]]:
    """The keys, to be changed in place; written back in one step, readable by the owner alone."""
    try:
        path.parent.mkdir(
            parents=True,
            exist_ok=True,
            mode=FOLDER,
        )
        with (path.parent / f".{path.name}.lock").open("w") as lock:
            # Two commands at once would otherwise lose one of two keys.
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = read_keys(path)
            yield keys
            close(path)
            # `keys.closed` is made first: a kill in between leaves the service closed, never open.
            write_privately(path, msgspec.json.format(msgspec.json.encode(keys)))
    except OSError as error:
        raise ServiceSettingsError(f"{path} cannot be written: {error}") from error


def _free_slot(keys: Sequence[Key]) -> int:
    """The lowest number that no key has; ServiceSettingsError if all are taken."""
    taken = {key.slot for key in keys}
    for number in range(SLOTS):
        if number not in taken:
            return number
    raise ServiceSettingsError(f"{SLOTS} keys are the most there can be; revoke one first")
