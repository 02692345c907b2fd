"""What a store can do, whether it is a folder or an object store."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from churn_platform.errors import StoreError

Mode = Literal["create", "replace"]


@dataclass(frozen=True)
class StoredObject:
    """One object: its key below the store's location, its size, when it was written, its tag."""

    key: str
    size_bytes: int
    modified_at: datetime
    e_tag: str


@dataclass(frozen=True)
class Content:
    """The bytes of an object, and the tag of exactly these bytes."""

    data: bytes
    e_tag: str


class Store(ABC):
    """Objects below one location, by keys relative to it, as in `telecomit/live.json`.

    Writes are atomic: a reader sees the old object or the new one, whole. `e_tag` changes with each
    write that changes the bytes. Every method raises a StoreError that names location and setting.
    """

    def __init__(self, location: str, setting: str):
        self.location = location
        self.setting = setting

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.location!r})"

    @abstractmethod
    def get(self, key: str, *, if_none_match: str | None = None) -> Content | None:
        """The object's bytes; None if its tag still is `if_none_match`. NoSuchObjectError if there
        is none.
        """

    def read(self, key: str) -> bytes:
        """The object's bytes. NoSuchObjectError if there is none."""
        found = self.get(key)
        assert found is not None, "only a tag can make it the same as before"
        return found.data

    @abstractmethod
    def get_start(self, key: str, length: int) -> bytes:
        """The first `length` bytes of an object, fewer if it is shorter."""

    @abstractmethod
    def put(
        self, key: str, data: bytes, *, mode: Mode = "replace", if_match: str | None = None
    ) -> str:
        """Write an object, and return its tag.

        `create` raises ObjectExistsError if the key is taken. `if_match` raises ObjectChangedError
        unless the object has that tag, so of several writers that read it one succeeds.
        """

    @abstractmethod
    def head(self, key: str) -> StoredObject | None:
        """What is known of an object without its bytes; None if there is none."""

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object below `prefix`, a folder's key, in no promised order."""

    @abstractmethod
    def delete(self, *keys: str) -> None:
        """Remove objects; a key without one is no error."""

    @abstractmethod
    def download(self, key: str, target: Path) -> str:
        """Write an object's bytes into a file, which appears whole, and return their tag."""

    @abstractmethod
    def upload(self, source: Path, key: str, *, mode: Mode = "replace") -> str:
        """Write a file's bytes as an object, without holding them in memory, and return its tag.

        In mode `create` they are held in memory, for a store creates an object by one request.
        """


def checked_key(key: str) -> str:
    """The key, if it is one; StoreError for what would lie elsewhere or have two spellings."""
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise StoreError(
            f"{key!r} is no key of a store; give names with single slashes between them, "
            "such as telecomit/live.json"
        )
    return key


def checked_prefix(prefix: str) -> str:
    """A folder's key without its last slash; empty for the whole store."""
    return checked_key(prefix.rstrip("/")) if prefix.strip("/") else ""
