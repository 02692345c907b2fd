"""What is live, on a store that several hosts share, and this host's copy of it in a folder.

    <portfolio>/index.json          what is live, and the files of each bundle that it needs
    <portfolio>/objects/<sha256>    the contents of a file; never changed

The index is written after every object that it names, so who reads it finds whole bundles. It is
replaced by compare-and-swap: of two hosts that change it at once, one is told and begins again.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from churn_platform.errors import (
    NoSuchObjectError,
    ObjectChangedError,
    ObjectExistsError,
    PublicationError,
)
from churn_platform.published.atomic_files import new_folder, remove_bundle
from churn_platform.published.format import (
    MANIFEST_FILE,
    decode_file,
    features_dir,
    model_dir,
    read_features_manifest,
)
from churn_platform.published.live_file import Live, read_live, write_live
from churn_platform.published.page_bundle import PAGE_DIR, page_months
from churn_platform.published.regular_files import file_sha256
from churn_platform.storage.store import Content, Store

INDEX = "index.json"
OBJECTS = "objects"
# Enough for any number of hosts; more means that something else is wrong.
ATTEMPTS = 50


class SharedIndex(msgspec.Struct, frozen=True):
    """What is live, and per bundle ('models/3', 'features/2026-10', 'page/2026-10') the SHA-256 of
    each file.
    """

    live: Live
    bundles: dict[str, dict[str, str]]

    @property
    def objects(self) -> set[str]:
        """The contents that its bundles need."""
        return {digest for files in self.bundles.values() for digest in files.values()}


class SharedPortfolio:
    """A portfolio as several hosts share it; `root` is its published folder on this one."""

    def __init__(self, store: Store, root: Path):
        self._store, self._root = store, root
        self._tag: str | None = None
        self._index: SharedIndex | None = None
        self._written: set[str] = set()

    def wrote(self, bundle: Path) -> None:
        """This host has written a bundle anew: until it is shared, what the store has under that
        name does not replace it.
        """
        self._written.add(str(bundle.relative_to(self._root)))

    def pull(self, *, prune: bool = False) -> bool:
        """Bring the folder to what the index names; whether the index was another one.

        Bundles come first and live.json last. prune: what the index does not name goes, as on a
        host that only serves. PublicationError if an object is not what its name says.
        """
        for _ in range(ATTEMPTS):
            try:
                found = self._store.get(self._key(INDEX), if_none_match=self._tag)
            except NoSuchObjectError:
                return False
            if found is None:
                return False
            try:
                self._take_over(found, prune=prune)
                return True
            except NoSuchObjectError:
                # Who replaced the index meanwhile has removed what that one alone named.
                if not self._was_replaced(found):
                    raise
        raise self._never_still("taken over")

    def _take_over(self, found: Content, *, prune: bool) -> None:
        index = _decoded(found.data, self._root.name)
        for bundle, files in index.bundles.items():
            if bundle not in self._written and _files(self._root / bundle) != files:
                self._fetch(bundle, files)
        if read_live(self._root) != index.live:
            write_live(self._root, index.live)
        if prune:
            for folder in _bundles_in(self._root):
                if str(folder.relative_to(self._root)) not in index.bundles:
                    remove_bundle(folder)
        self._tag, self._index = found.e_tag, index

    def _was_replaced(self, found: Content) -> bool:
        newest = self._store.head(self._key(INDEX))
        return newest is not None and newest.e_tag != found.e_tag

    def _never_still(self, done: str) -> PublicationError:
        return PublicationError(
            f"{self._key(INDEX)} was changed {ATTEMPTS} times by other hosts meanwhile; "
            f"nothing was {done}; find out what publishes there all the time"
        )

    def change(self, make: Callable[[Live | None], Live]) -> Live:
        """Replace what is live on every host by what `make` gives for it; it is called again where
        another host was first.

        PublicationError if hosts go on changing it.
        """
        for _ in range(ATTEMPTS):
            self.pull()
            live = make(read_live(self._root))
            if self._push(live):
                return live
        raise self._never_still("changed")

    def download_all(self, folder: Path) -> list[Path]:
        """Write every object of the portfolio into a folder, named or not, under the names that
        their bundles give them; returns the files.
        """
        try:
            bundles = _decoded(self._store.read(self._key(INDEX)), self._root.name).bundles
        except NoSuchObjectError:
            bundles = {}
        names = {digest: file for files in bundles.values() for file, digest in files.items()}
        paths = []
        for each in self._store.list(self._key(OBJECTS)):
            digest = each.key.rpartition("/")[2]
            path = folder / digest / names.get(digest, "unnamed")
            self._store.download(each.key, path)
            paths.append(path)
        return paths

    def sweep(self, *, before: datetime) -> int:
        """Remove objects that no bundle names and that were written before an instant, as a
        publication that was killed leaves them; returns how many.
        """
        self.pull()
        named = self._index.objects if self._index else set()
        orphans = []
        for each in self._store.list(self._key(OBJECTS)):
            if each.key.rpartition("/")[2] not in named and each.modified_at < before:
                orphans.append(each.key)
        self._store.delete(*orphans)
        return len(orphans)

    def _push(self, live: Live) -> bool:
        before = self._index.objects if self._index else set()
        bundles = {name: _files(self._root / name) for name in _needed(self._root, live)}
        for name, files in bundles.items():
            for file, digest in files.items():
                if digest not in before:
                    self._store.upload(self._root / name / file, self._object(digest))
        index = SharedIndex(live, bundles)
        content = msgspec.json.format(msgspec.json.encode(index))
        try:
            self._tag = self._store.put(
                self._key(INDEX),
                content,
                mode="replace" if self._tag else "create",
                if_match=self._tag,
            )
        except (ObjectChangedError, ObjectExistsError):
            return False
        self._index = index
        self._written.clear()
        # At once: an erased customer must not stay in an object that no index names. Who is reading
        # the index before finds the object missing, and the new index at the next look.
        self._store.delete(*map(self._object, before - index.objects))
        return True

    def _fetch(self, bundle: str, files: Mapping[str, str]) -> None:
        with new_folder(self._root / bundle) as draft:
            for file, digest in files.items():
                self._store.download(self._object(digest), draft / file)
                if file_sha256(draft / file) != digest:
                    raise PublicationError(
                        f"{self._object(digest)} is not what its name says; publish "
                        f"{self._root.name} again"
                    )

    def _key(self, name: str) -> str:
        return f"{self._root.name}/{name}"

    def _object(self, digest: str) -> str:
        return self._key(f"{OBJECTS}/{digest}")


def _decoded(content: bytes, portfolio: str) -> SharedIndex:
    try:
        return msgspec.json.decode(content, type=SharedIndex)
    except msgspec.MsgspecError as error:
        raise PublicationError(
            f"{portfolio}/{INDEX} on the store is damaged: {error}; publish {portfolio} again"
        ) from error


def _needed(root: Path, live: Live) -> Iterator[str]:
    """The bundles that hosts need for what is live: the models, the one before, which a rollback
    brings back, the month, the version that scored it, and what the page reads.
    """
    versions = {model.version for model in live.models}
    if live.features_month:
        folder = features_dir(root, live.features_month)
        yield str(folder.relative_to(root))
        versions.add(read_features_manifest(folder).scored_by)
    if live.previous is not None:
        versions.add(live.previous)
    served = {model.version for model in live.models}
    for version in sorted(versions):
        folder = model_dir(root, version)
        # What serves must be there. The others are a convenience, and housekeeping may take them.
        if version in served or (folder / MANIFEST_FILE).exists():
            yield str(folder.relative_to(root))

    # The page shows the newest month alone.
    for folder in page_months(root)[-1:]:
        yield str(folder.relative_to(root))


def _files(bundle: Path) -> dict[str, str]:
    """SHA-256 of each file of a bundle, as its manifest says, and of the manifest itself; empty
    where there is none.
    """
    manifest = bundle / MANIFEST_FILE
    if not manifest.exists():
        return {}
    named = decode_file(manifest, _Named)
    return {**named.sha256, MANIFEST_FILE: file_sha256(manifest)}


class _Named(msgspec.Struct, frozen=True):
    """What the manifests of models and of months share."""

    sha256: dict[str, str]


def _bundles_in(root: Path) -> Iterator[Path]:
    for kind in ("models", "features", PAGE_DIR):
        yield from (root / kind).glob("[0-9]*")
