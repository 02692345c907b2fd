"""Writes published files so that a reader, or a crash, never sees half of one."""

import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from churn_platform.errors import PublicationError
from churn_platform.published.format import (
    CHALLENGER,
    CHAMPION,
    LIVE_FILE,
    MANIFEST_FILE,
    SHADOW,
    Live,
    LiveModel,
    model_dir,
    read_live,
)


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
    remove_stale(target)


def remove_stale(target: Path) -> None:
    """Remove what `target` has pointed to before, and what a crash left of a draft."""
    for stale in target.parent.glob(f".{glob.escape(target.name)}.*"):
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


def go_live(root: Path, portfolio: str, *, champion: int | None = None, features_month: str | None = None) -> Live:
    """Name a champion, a month of features, or both as live; what is not given, or a newer month, stays as it is."""
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / ".live.lock"):
        live = read_live(root) or Live(portfolio, (), None)
        if champion is not None:
            models, former = (LiveModel(champion, CHAMPION, 1.0),), live.champion
            previous = former if former not in (None, champion) else live.previous
            live = msgspec.structs.replace(live, models=models, previous=previous)
        if features_month and features_month >= (live.features_month or ""):
            live = msgspec.structs.replace(live, features_month=features_month)
        _write_live(root, live)
    return live


def direct_traffic(
    root: Path,
    *,
    challenger: int,
    weight: float,
    shadow: bool = False,
    before_change: Callable[[Live], object] = lambda _: None,
) -> Live:
    """Give a challenger its share of the champion's traffic, or let it score in the shadow; weight 0 ends either.

    before_change: called with what will be live, unless that is so already; where it raises, nothing changes.
    PublicationError where there is no champion, no such bundle, or the weight is no share.
    """
    with _locked(root / ".live.lock"):
        live = read_live(root)
        if live is None or live.champion is None:
            raise PublicationError(f"{root} has no champion; publish one before an experiment")
        if not 0 <= weight < 1 or challenger == live.champion or not model_dir(root, challenger).exists():
            raise PublicationError(
                f"version {challenger} with weight {weight:g} is no challenger to version {live.champion}: "
                "it must be another published version, and the weight at least 0 and below 1"
            )
        role, share = (SHADOW, 0.0) if shadow else (CHALLENGER, weight)
        models = (LiveModel(live.champion, CHAMPION, 1.0 - share), LiveModel(challenger, role, share))
        fresh = msgspec.structs.replace(
            live, models=models if weight or shadow else (LiveModel(live.champion, CHAMPION, 1.0),)
        )
        if fresh != live:
            before_change(fresh)
            _write_live(root, fresh)
    return fresh


def _write_live(root: Path, live: Live) -> None:
    with new_file(root / LIVE_FILE) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(live)))


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
