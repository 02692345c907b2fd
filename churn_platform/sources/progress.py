"""Remembers which months of a reading are done, so that one that was killed or failed goes on with
the next month.
"""

from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import msgspec

from churn_platform.ingest.landed_files import LandedFile
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio, Table
from churn_platform.storage.atomic_file import new_file

NAME = ".reading.json"  # hidden: no landed file
# A source changes: what was read long ago is read again, though its reading did not end.
FRESH = timedelta(days=1)


class _Done(msgspec.Struct, frozen=True):
    at: datetime
    file: str
    size_bytes: int
    modified_ns: int


class _Kept(msgspec.Struct, frozen=True):
    spec: str
    months: dict[str, _Done] = {}


class Progress:
    """The months of a table that an unfinished reading has done; `finish` forgets them."""

    def __init__(self, folder: Path, portfolio: Portfolio, table: Table):
        self.path = folder / NAME
        self.spec = _digest(portfolio, table)
        self.months = self._kept()

    def is_done(self, month: date, now: datetime) -> bool:
        """Whether the month was read a short while ago by the same spec, and its file is as it was
        written.
        """
        done = self.months.get(label(month))
        if done is None:
            return False
        age = now - done.at
        if age > FRESH:
            return False

        path = self.path.with_name(done.file)
        if not path.is_file():
            return False
        # A person may have landed another file meanwhile, which is not what was read.
        noted = LandedFile(path, done.size_bytes, done.modified_ns)
        return not noted.changed()

    def note(self, month: date, file: Path, now: datetime) -> None:
        """Note that a month's file is in its place."""
        state = file.stat()
        done = _Done(
            now,
            file.name,
            state.st_size,
            state.st_mtime_ns,
        )
        self.months[label(month)] = done
        kept = _Kept(self.spec, self.months)
        with new_file(self.path) as draft:
            draft.write_bytes(msgspec.json.encode(kept))

    def finish(self) -> None:
        """Forget the months: the next reading reads all of its own."""
        self.path.unlink(missing_ok=True)

    def _kept(self) -> dict[str, _Done]:
        try:
            content = self.path.read_bytes()
            kept = msgspec.json.decode(content, type=_Kept)
        except (OSError, msgspec.DecodeError):
            # Nothing is lost but time: every month is read again.
            return {}
        # Another mapping would have made other files of the same months.
        if kept.spec != self.spec:
            return {}
        return dict(kept.months)


def _digest(portfolio: Portfolio, table: Table) -> str:
    assert table.origin is not None
    source = portfolio.sources[table.origin.source]
    told = f"{table.model_dump_json()} {source.model_dump_json()} {portfolio.timezone}"
    return sha256(told.encode()).hexdigest()[:16]
