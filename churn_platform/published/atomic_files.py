"""Writes published folders so that a reader, or a crash, never sees half of one."""

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from churn_platform.published.format import MANIFEST_FILE
from churn_platform.storage.atomic_file import fsync


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A draft folder that becomes `target` when the block ends well, and vanishes otherwise."""
    # `target` is a symbolic link to a folder beside it, so that replacing it is one atomic step.
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    # mkdtemp makes it private, and the service may run as another user.
    draft.chmod(0o755)

    try:
        yield draft
        # Contents first, then the name: a power cut must not leave a name for an empty file.
        for path in [*draft.iterdir(), draft]:
            fsync(path)

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


def remove_bundle(target: Path) -> None:
    """Remove a published folder, its name first: who has a file open can read it to its end."""
    if target.is_symlink():
        target.unlink()
    shutil.rmtree(target, ignore_errors=True)
    remove_stale(target)


def _point(target: Path, folder: Path) -> None:
    link = folder.with_name(f"{folder.name}.link")
    link.symlink_to(folder.name)
    # A rename of a link is atomic; a folder cannot be replaced by a rename while it has files.
    link.replace(target)
    fsync(target.parent)


def write_manifest(folder: Path, manifest: msgspec.Struct) -> None:
    """The manifest as readable JSON."""
    (folder / MANIFEST_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
