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
from churn_platform.portfolios.spec import Portfolio, Table

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
        waiting = {}
        for month, state in self.seen.items():
            if self.taken.get(month) != state:
                waiting[month] = state
        kept = Landings(seen=waiting, taken=self.taken)
        return msgspec.json.encode(kept).decode()

    @staticmethod
    def from_cursor(cursor: str) -> "Landings":
        """The state that a cursor keeps; those of older versions have whole digests."""
        kept = msgspec.json.decode(cursor, type=Landings)
        taken = _shortened(kept.taken)
        seen = taken | _shortened(kept.seen)
        return Landings(seen=seen, taken=taken)


def _shortened(states: Mapping[date, str]) -> dict[date, str]:
    return {month: state[:STATE_LENGTH] for month, state in states.items()}


def landed_months(landing_dir: Path, portfolio: Portfolio) -> dict[date, str]:
    """Each month of which every required table has landed, with a digest over name, size and time
    of its files.
    """
    files = _files(landing_dir, portfolio)
    months = set().union(*files.values())
    for name in _required(portfolio):
        months &= set(files[name])
    return {month: _digest(files, month) for month in sorted(months)}


def _delivered(portfolio: Portfolio) -> list[Table]:
    """The tables whose files people land; what is read from a source is asked for, not waited
    for.
    """
    return [table for table in portfolio.landed_tables if table.origin is None]


def _required(portfolio: Portfolio) -> list[str]:
    return [table.name for table in _delivered(portfolio) if not table.optional]


def is_complete(landing_dir: Path, portfolio: Portfolio, month: date) -> bool:
    """Whether no required table of the month waits for its file."""
    folder = landing_dir / portfolio.name
    return all(month in landed_files(folder / name) for name in _required(portfolio))


def missing_tables(landing_dir: Path, portfolio: Portfolio) -> dict[date, list[str]]:
    """The required tables that have not landed of each month of which another has."""
    folder = landing_dir / portfolio.name
    landed = {name: landed_files(folder / name) for name in _required(portfolio)}

    missing = {}
    for month in sorted(set().union(*landed.values())):
        absent = [name for name, months in landed.items() if month not in months]
        if absent:
            missing[month] = absent

    return missing


def last_written(landing_dir: Path, portfolio: Portfolio, month: date) -> datetime:
    """When a file that was landed for a month was last written to; long ago if there is none."""
    times = [0.0]
    for table in _delivered(portfolio):
        for path in files_of(landing_dir, portfolio.name, table.name, month):
            times.append(path.stat().st_mtime)
    return datetime.fromtimestamp(max(times), UTC)


def _files(landing_dir: Path, portfolio: Portfolio) -> dict[str, dict[date, list[FileState]]]:
    """The files of each table of the portfolio and month."""
    folder = landing_dir / portfolio.name
    return {table.name: _states(folder / table.name) for table in _delivered(portfolio)}


def _digest(files: Mapping[str, Mapping[date, list[FileState]]], month: date) -> str:
    of_month = []
    for name, months in files.items():
        if month in months:
            of_month.append((name, months[month]))
    written = repr(of_month).encode()
    return sha256(written).hexdigest()[:STATE_LENGTH]


def _states(folder: Path) -> dict[date, list[FileState]]:
    states = {}
    for month, paths in landed_files(folder).items():
        states[month] = list(map(_state, paths))
    return states


def _state(path: Path) -> FileState:
    found = path.stat()
    return path.name, found.st_size, found.st_mtime_ns


def changed_months(landed: Mapping[date, str], known: Landings) -> list[date]:
    """Months that are new or were delivered again, and whose files have not changed since the last
    look: a file that is still being written waits.
    """
    changed = []
    for month, state in landed.items():
        # Size and time alone cannot show that a copy is complete; two equal looks can.
        is_settled = known.seen.get(month) == state
        if is_settled and known.taken.get(month) != state:
            changed.append(month)

    return changed


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
    last = None
    for month in sorted(months):
        if last == shift(month, -1):
            stretches[-1].append(month)
        else:
            stretches.append([month])

        last = month

    return stretches
