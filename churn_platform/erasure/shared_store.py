"""What hosts share on a store, as files that the proof of an erasure searches."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_platform.published.shared import SharedPortfolio
from churn_platform.settings import Settings

# Not `landing`: what operators delivered is theirs, and rewritten in its folder if they ask for it.
PARTS = ("log", "exports")


@contextmanager
def copied_from_store(settings: Settings, portfolio: str) -> Iterator[list[Path]]:
    """Copies of everything that the store holds of a portfolio, for as long as the block runs; none
    without a store.

    Objects that nothing names any more are among them: a publication that was killed may have left
    one.
    """
    folder = settings.root / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="store.", dir=folder) as copies:
        paths = [path for part in PARTS for path in _copied(settings, part, portfolio, copies)]
        if store := settings.shared("published"):
            shared = SharedPortfolio(store, settings.published_dir / portfolio)
            paths += shared.download_all(Path(copies, "published", portfolio))
        yield paths


def _copied(settings: Settings, part: str, portfolio: str, copies: str) -> Iterator[Path]:
    store = settings.shared(part)
    for found in store.list(portfolio) if store else ():
        path = Path(copies, part, found.key)
        store.download(found.key, path)  # type: ignore[union-attr]
        yield path
