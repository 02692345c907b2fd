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


class Landings(msgspec.Struct, frozen=True):
    """State of the files of each month: as it was `seen` at the last look, and as it was `taken`
    in.
    """

    seen: dict[date, str] = {}
    taken: dict[date, str] = {}


def landed_months(landing_dir: Path, portfolio: Portfolio) -> dict[date, str]:
    """Each month of which every required table has landed, with a digest over name, size and time
    of its files.
    """
    files = {
        table.name: _states(landing_dir / portfolio.name / table.name)
        for table in portfolio.landed_tables
    }
    required = [set(files[table.name]) for table in portfolio.landed_tables if not table.optional]
    return {
        month: sha256(
            repr([(name, of[month]) for name, of in files.items() if month in of]).encode()
        ).hexdigest()
        for month in sorted(set.intersection(*required))
    }


def last_written(landing_dir: Path, portfolio: Portfolio, month: date) -> datetime:
    """When a file of a landed month was last written to."""
    tables = (
        files_of(landing_dir, portfolio.name, table.name, month)
        for table in portfolio.landed_tables
    )
    return datetime.fromtimestamp(
        max(path.stat().st_mtime for files in tables for path in files), UTC
    )


def _states(folder: Path) -> dict[date, list[tuple[str, int, int]]]:
    return {
        month: [_state(path) for path in paths] for month, paths in landed_files(folder).items()
    }


def _state(path: Path) -> tuple[str, int, int]:
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
