"""What files say: landed months, the audit trail's champions, and the space on disks."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from churn_platform.audit.trail import champions
from churn_platform.audit.trail_file import read_records
from churn_platform.disk import existing
from churn_platform.errors import LandingError
from churn_platform.exporter import readings
from churn_platform.exporter.readings import Reading, month_instant
from churn_platform.ingest.landed_months import landed_months, missing_tables
from churn_platform.months import month_range
from churn_platform.portfolios.spec import Portfolio


def read_landing(landing_dir: Path, portfolios: Iterable[Portfolio]) -> list[Reading]:
    """The newest month that has landed whole, and the gaps before it; LandingError without a
    landing folder.
    """
    if not landing_dir.is_dir():
        raise LandingError(f"no landing folder {landing_dir}; land a file, or set CHURN_DATA_DIR")

    found: list[Reading] = []
    for portfolio in portfolios:
        found += _landed(landing_dir, portfolio)

    return found


def _landed(landing_dir: Path, portfolio: Portfolio) -> Iterator[Reading]:
    labels = (portfolio.name,)
    whole = landed_months(landing_dir, portfolio)
    if whole:
        newest = month_instant(max(whole))
        yield Reading(readings.LANDED_MONTH, labels, newest)

    # A month of which one table has landed is begun: it is missing until the others are there.
    partial = missing_tables(landing_dir, portfolio)
    begun = sorted({*whole, *partial})
    if begun:
        months = month_range(begun[0], begun[-1])
        gaps = set(months) - set(whole)
        yield Reading(readings.MONTHS_MISSING, labels, len(gaps))


def read_champions(audit_path: Path, portfolios: Iterable[Portfolio]) -> list[Reading]:
    """Version and beginning of each portfolio's champion, as the audit trail has them; AuditError
    where it cannot be read.
    """
    records = read_records(audit_path)
    found = []
    for portfolio in portfolios:
        crowned = champions(records, portfolio.name)
        if not crowned:
            continue

        newest = crowned[-1]
        if newest.version is None:
            continue

        labels = (portfolio.name,)
        since = newest.at.timestamp()
        found.append(Reading(readings.CHAMPION_VERSION, labels, newest.version))
        found.append(Reading(readings.CHAMPION_SINCE, labels, since))

    return found


def read_disks(folders: Mapping[str, Path]) -> list[Reading]:
    """Space of the disks that named folders are on, or will be."""
    found = []
    for name, folder in folders.items():
        # A new installation has not made all its folders, but the disk is already known.
        place = existing(folder)
        usage = shutil.disk_usage(place)

        labels = (name,)
        found.append(Reading(readings.DISK_FREE, labels, usage.free))
        found.append(Reading(readings.DISK_SIZE, labels, usage.total))

    return found
