"""Writes published files so that a reader, or a crash, never sees half of one."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from churn_platform.published.contract import LIVE_FILE, MANIFEST_FILE, Live, LiveModel, read_live


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A draft folder that becomes `target` when the block ends well, and vanishes otherwise.

    `target` is a symbolic link to a folder beside it, so that replacing it is one atomic step.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    draft.chmod(0o755)
    try:
        yield draft
        for path in [*draft.iterdir(), draft]:
            _fsync(path)
        _point(target, draft)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    for stale in target.parent.glob(f".{target.name}.*"):
        if stale.is_symlink():  # left by a crash before it became `target`
            stale.unlink()
        elif stale.resolve() != target.resolve():
            shutil.rmtree(stale, ignore_errors=True)


def _point(target: Path, folder: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.symlink_to(folder.name)
    link.replace(target)
    _fsync(target.parent)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A draft that the block writes, and that then replaces `target` in one step; it vanishes where the block fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield draft
        _fsync(draft)
        draft.replace(target)
        _fsync(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def write_manifest(folder: Path, manifest: msgspec.Struct) -> None:
    """The manifest as readable JSON."""
    (folder / MANIFEST_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def go_live(root: Path, portfolio: str, *, champion: int | None = None, features_month: str | None = None) -> Live:
    """Name a champion, a month of features, or both as live; what is not given stays as it is."""
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / ".live.lock"):
        current = read_live(root)
        models = current.models if current else ()
        if champion is not None:
            models = (LiveModel(champion, "champion", 1.0),)
        live = Live(portfolio, models, features_month or (current.features_month if current else None))
        with new_file(root / LIVE_FILE) as draft:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(live)))
    return live


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
