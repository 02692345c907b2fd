"""Which landed months are to be taken in: a pure function of what is there and what has been
seen.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from churn_platform.ingest.landed_files import files_of, landed_files
from churn_platform.months import shift
from churn_platform.portfolios.spec import Portfolio

Range = tuple[date, date]
FileState = tuple[str, int, int]
# Of a digest: enough to tell two deliveries of one month apart, and short, since a sensor's cursor
# has one for each month.
STATE_LENGTH = 8


class Landings(msgspec.Struct, frozen=True):
    """State of the files of each month: as it was `seen` at the last look, and as it was `taken`
    in.
    """

    seen: dict[date, str] = {}
    taken: dict[date, str] = {}

    def as_cursor(self) -> str:
        """The state as text. Most months are seen as they were taken in, and stand there once."""
        waiting = {
            month: state for month, state in self.seen.items() if self.taken.get(month) != state
        }
        return msgspec.json.encode(Landings(seen=waiting, taken=self.taken)).decode()

    @staticmethod
    def from_cursor(cursor: str) -> "Landings":
        """The state that a cursor keeps; those of older versions have whole digests."""
        kept = msgspec.json.decode(cursor, type=Landings)
        taken = {month: state[:STATE_LENGTH] for month, state in kept.taken.items()}
        seen = {month: state[:STATE_LENGTH] for month, state in kept.seen.items()}
        return Landings(seen=taken | seen, taken=taken)


def landed_months(landing_dir: Path, portfolio: Portfolio) -> dict[date, str]:
    """Each month of which every required table has landed, with a digest over name, size and time
    of its files.
    """
    files = _files(landing_dir, portfolio)
    required = [set(files[table.name]) for table in portfolio.landed_tables if not table.optional]
    return {month: _digest(files, month) for month in sorted(set.intersection(*required))}


def missing_tables(landing_dir: Path, portfolio: Portfolio) -> dict[date, list[str]]:
    """The required tables that have not landed of each month of which another has."""
    folder = landing_dir / portfolio.name
    required = [table.name for table in portfolio.landed_tables if not table.optional]
    landed = {name: landed_files(folder / name) for name in required}
    missing = {}
    for month in sorted(set().union(*landed.values())):
        if absent := [name for name in required if month not in landed[name]]:
            missing[month] = absent
    return missing


def last_written(landing_dir: Path, portfolio: Portfolio, month: date) -> datetime:
    """When a file of a landed month was last written to."""
    tables = (
        files_of(landing_dir, portfolio.name, table.name, month)
        for table in portfolio.landed_tables
    )
    return datetime.fromtimestamp(
        max(path.stat().st_mtime for files in tables for path in files), UTC
    )


def _files(landing_dir: Path, portfolio: Portfolio) -> dict[str, dict[date, list[FileState]]]:
    """The files of each table of the portfolio and month."""
    folder = landing_dir / portfolio.name
    return {table.name: _states(folder / table.name) for table in portfolio.landed_tables}


def _digest(files: Mapping[str, Mapping[date, list[FileState]]], month: date) -> str:
    of_month = [(name, months[month]) for name, months in files.items() if month in months]
    return sha256(repr(of_month).encode()).hexdigest()[:STATE_LENGTH]


def _states(folder: Path) -> dict[date, list[FileState]]:
    return {
        month: [_state(path) for path in paths] for month, paths in landed_files(folder).items()
    }


def _state(path: Path) -> FileState:
    found = path.stat()
    return path.name, found.st_size, found.st_mtime_ns


def changed_months(landed: Mapping[date, str], known: Landings) -> list[date]:
    """Months that are new or were delivered again, and whose files have not changed since the last
    look: a file that is still being written waits.
    """
    return [
        month
        for month, state in landed.items()
        # Size and time alone cannot show that a copy is complete; two equal looks can.
        if known.seen.get(month) == state != known.taken.get(month)
    ]


def due(
    landed: Mapping[date, str],
    known: Landings,
    *,
    unfinished: Collection[date],
    broken: Collection[date],
) -> list[Range]:
    """The ranges of months to run: from each changed month to the newest, because later features
    look back.

    Months without features (`unfinished`) before a changed one are tried again, in a range of their
    own: what fails once more holds nothing up. A month that is missing, still being written or
    known to be `broken` (refused by ingest or by its data contract) parts two ranges until its
    files change.
    """
    changed = changed_months(landed, known)
    usable = []
    for month, state in landed.items():
        is_settled = known.seen.get(month) == state
        if is_settled and (month in changed or month not in broken):
            usable.append(month)

    ranges = []
    for stretch in _stretches(usable):
        new = [month for month in stretch if month in changed]
        if not new:
            continue
        # A separate range: Dagster runs a range as one run, and a month that fails again must not
        # take the new month with it.
        failed = [month for month in stretch if month in unfinished and month < new[0]]
        if failed:
            ranges.append((failed[0], shift(new[0], -1)))
        ranges.append((new[0], stretch[-1]))
    return ranges


def _stretches(months: Iterable[date]) -> list[list[date]]:
    """Months in order, parted where one is missing."""
    stretches: list[list[date]] = []
    for month in sorted(months):
        if stretches and stretches[-1][-1] == shift(month, -1):
            stretches[-1].append(month)
        else:
            stretches.append([month])
    return stretches
