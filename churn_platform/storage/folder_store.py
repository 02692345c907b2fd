"""A store in a folder: the same promises as an object store, kept by renames and a lock."""

import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from churn_platform.errors import (
    NoSuchObjectError,
    ObjectChangedError,
    ObjectExistsError,
    StoreError,
    StoreRefusedError,
)
from churn_platform.storage.atomic_file import draft_of, fsync, is_draft
from churn_platform.storage.store import (
    Content,
    Mode,
    Store,
    StoredObject,
    checked_key,
    checked_prefix,
)


class FolderStore(Store):
    """Objects as files below a folder, which is made on the first write. Links are not followed."""

    def __init__(self, folder: Path, setting: str):
        super().__init__(str(folder), setting)
        self.folder = folder

    def get(self, key: str, *, if_none_match: str | None = None) -> Content | None:
        with self._told(key), self._path(key).open("rb") as file:
            # Of the open file, not of its name: a writer may replace it meanwhile.
            e_tag = _tag(os.fstat(file.fileno()))
            return None if e_tag == if_none_match else Content(file.read(), e_tag)

    def get_start(self, key: str, length: int) -> bytes:
        with self._told(key), self._path(key).open("rb") as file:
            return file.read(length)

    def put(
        self, key: str, data: bytes, *, mode: Mode = "replace", if_match: str | None = None
    ) -> str:
        with self._told(key), draft_of(self._path(key)) as draft:
            draft.write_bytes(data)
            return self._keep(draft, key, mode=mode, if_match=if_match)

    def upload(self, source: Path, key: str, *, mode: Mode = "replace") -> str:
        with self._told(key), draft_of(self._path(key)) as draft:
            shutil.copyfile(source, draft)
            return self._keep(draft, key, mode=mode)

    def head(self, key: str) -> StoredObject | None:
        with self._told(key):
            return _object(self._path(key), key)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        top = self.folder / checked_prefix(prefix)
        with self._told(prefix):
            paths = list(_files(top))
        for path in paths:
            found = _object(path, path.relative_to(self.folder).as_posix())
            if found is not None:
                yield found

    def delete(self, *keys: str) -> None:
        for key in keys:
            with self._told(key):
                self._path(key).unlink(missing_ok=True)

    def download(self, key: str, target: Path) -> str:
        with self._told(key), draft_of(target) as draft, self._path(key).open("rb") as file:
            with draft.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            fsync(draft)
            draft.replace(target)
            return _tag(os.fstat(file.fileno()))

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)

    def _keep(self, draft: Path, key: str, *, mode: Mode, if_match: str | None = None) -> str:
        """Make a written draft the object; the tag of what was written."""
        path = self._path(key)
        fsync(draft)
        with _locked(path.parent):
            self._require(path, key, if_match)
            _date_after(path, draft)
            # Before it has its name: from then on another writer may replace it.
            tag = _tag(draft.lstat())
            if mode == "create":
                self._create(draft, path, key)
            else:
                draft.replace(path)
        fsync(path.parent)
        return tag

    def _create(self, draft: Path, path: Path, key: str) -> None:
        try:
            # A link fails if the name is taken, where a rename would replace it.
            os.link(draft, path)
        except FileExistsError:
            raise ObjectExistsError(f"{self._name(key)} exists already") from None

    def _require(self, path: Path, key: str, e_tag: str | None) -> None:
        if e_tag is None:
            return
        found = _status(path)
        if found is None or _tag(found) != e_tag:
            raise ObjectChangedError(
                f"{self._name(key)} is not what it was when it was read; read it again"
            )

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say of an error of the system which object, location and setting it is about."""
        try:
            yield
        except FileNotFoundError as error:
            raise NoSuchObjectError(f"{self._name(key)} does not exist") from error
        except PermissionError as error:
            raise StoreRefusedError(
                f"{self._name(key)}: {error.strerror}; give this user the right to the folder"
            ) from error
        except OSError as error:
            raise StoreError(f"{self._name(key)}: {error.strerror}") from error

    def _name(self, key: str) -> str:
        return f"{key or 'the folder'} in {self.location} ({self.setting})"


def _files(top: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(top, onerror=_raise):
        yield from (Path(parent, name) for name in names if not is_draft(name))


def _raise(error: OSError) -> None:
    # A folder that is not there has no files. os.walk would also pass over one that may not be
    # read, and a list would be short without a word.
    if not isinstance(error, FileNotFoundError):
        raise error


def _status(path: Path) -> os.stat_result | None:
    """Of the file, in one look: another process may remove it at any time. None if there is no
    file of that name; a link and a folder are none.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _object(path: Path, key: str) -> StoredObject | None:
    status = _status(path)
    if status is None:
        return None
    written = datetime.fromtimestamp(status.st_mtime, tz=UTC)
    return StoredObject(key, status.st_size, written, _tag(status))


def _tag(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"


def _date_after(path: Path, draft: Path) -> None:
    """Date a draft later than what it replaces: clocks of files tick in milliseconds, and two
    versions of one size within a tick would have one tag.
    """
    found = _status(path)
    before = 0 if found is None else found.st_mtime_ns
    moment = max(time.time_ns(), before + 1)
    os.utime(draft, ns=(moment, moment))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One writer in the folder at a time; the lock goes with its process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
