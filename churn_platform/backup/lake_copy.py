"""Files of a lake that lies outside of the data folder: in a store, or in a folder of its own.

They are written once and never changed under their name, so one that the last back-up holds is not
read again.
"""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from churn_platform.backup.catalogue import KeptLakeFile, fetch_contents, keep_contents
from churn_platform.errors import BackupError
from churn_platform.parallel import in_order
from churn_platform.published.regular_files import file_sha256
from churn_platform.storage.store import Store, StoredObject
from churn_platform.warehouse.lake import Lake
from churn_platform.warehouse.lake_notes import keep_checksums, kept_checksums

SUFFIX = ".parquet"
# A file of a store costs some requests, in which this process waits.
THREADS = 4
TOLD_EACH = 1_000


def is_outside(root: Path, files: str) -> bool:
    """Whether the lake's files are elsewhere than in the data folder."""
    return root not in Path(files).parents


def keep_lake(lake: Lake, store: Store, before: Iterable[KeptLakeFile]) -> tuple[KeptLakeFile, ...]:
    """Every file of the lake, copied to the store unless `before` has it."""
    known = {(file.key, file.size_bytes): file for file in before}
    noted = kept_checksums(lake)
    lake.temp_dir.mkdir(parents=True, exist_ok=True)

    def kept(found: StoredObject) -> KeptLakeFile:
        there = known.get((found.key, found.size_bytes))
        return there or _keep(lake, store, found, noted.get(found.key))

    files = (found for found in lake.opened.list() if found.key.endswith(SUFFIX))
    copied = in_order(kept, files, threads=THREADS)
    return tuple(sorted(copied, key=lambda file: file.key))


def _keep(lake: Lake, store: Store, found: StoredObject, noted: str | None) -> KeptLakeFile:
    with lake.opened.local(found.key, lake.temp_dir) as path:
        digest = file_sha256(path)
        keep_contents(store, path, digest)

    is_sound = noted is None or lake.opened.checksum(found) == noted
    return KeptLakeFile(found.key, digest, found.size_bytes, "" if is_sound else str(noted))


def require_empty(lake: Lake) -> None:
    """BackupError if there is anything where the lake's files are to be."""
    if next(iter(lake.opened.list()), None) is not None:
        raise BackupError(
            f"{lake.files} is not empty: nothing is restored over a lake; set "
            "CHURN_LAKE_DATA_PATH to a new place"
        )


def put_lake(
    store: Store, files: Iterable[KeptLakeFile], lake: Lake, show: Callable[[str], None]
) -> None:
    """Write the files where the lake's files are now; one that is there already stays."""
    there = {found.key: found.size_bytes for found in lake.opened.list()}
    missing = [file for file in files if there.get(file.key) != file.size_bytes]
    lake.temp_dir.mkdir(parents=True, exist_ok=True)

    def put(file: KeptLakeFile) -> None:
        with tempfile.TemporaryDirectory(dir=lake.temp_dir) as folder:
            copy = Path(folder, "copy")
            fetch_contents(store, file.sha256, copy, file.key)
            lake.opened.add(copy, file.key)

    for number, _ in enumerate(in_order(put, missing, threads=THREADS), 1):
        if number % TOLD_EACH == 0:
            show(f"{number:,} of {len(missing):,} files of the lake")


def note_lake(files: Iterable[KeptLakeFile], lake: Lake) -> None:
    """Note the checksums of the files, which another store counts differently; of a file that was
    damaged when it was copied the one that it should have, so that it is still told.
    """
    there = {found.key: found for found in lake.opened.list()}
    noted = {}
    for file in files:
        noted[file.key] = file.damaged_from or lake.opened.checksum(there[file.key])
    keep_checksums(lake, noted)
