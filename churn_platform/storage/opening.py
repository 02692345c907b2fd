"""Opens the store at a location."""

from pathlib import Path

from churn_platform.errors import StoreError
from churn_platform.storage.folder_store import FolderStore
from churn_platform.storage.location import is_url, why_unusable
from churn_platform.storage.options import StoreOptions
from churn_platform.storage.store import Store


def open_store(location: str | Path, options: StoreOptions | None = None, *, setting: str) -> Store:
    """The store at a folder or an address; `setting` is what its errors name.

    Neither makes the folder nor asks the store anything: the first call does. StoreError if the
    address cannot be one.
    """
    if not is_url(location):
        return FolderStore(Path(location).absolute(), setting)
    url = str(location)
    if problem := why_unusable(url):
        raise StoreError(f"{setting}={url}: {problem}")
    # 15 MB and 40 ms that a process with folders alone does without.
    from churn_platform.storage.object_store import open_url

    return open_url(url, options or StoreOptions(), setting)


def open_part(
    location: str, part: str, *, options: StoreOptions | None = None, setting: str
) -> Store:
    """The store below `part` of a location, for one kind of what is shared there."""
    return open_store(f"{location.rstrip('/')}/{part}", options, setting=setting)
