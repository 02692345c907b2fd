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
    whole = landed_months(landing_dir, portfolio)
    begun = sorted({*whole, *missing_tables(landing_dir, portfolio)})
    if whole:
        yield Reading(readings.LANDED_MONTH, (portfolio.name,), month_instant(max(whole)))
    if begun:
        gaps = set(month_range(begun[0], begun[-1])) - set(whole)
        yield Reading(readings.MONTHS_MISSING, (portfolio.name,), len(gaps))


def read_champions(audit_path: Path, portfolios: Iterable[Portfolio]) -> list[Reading]:
    """Version and beginning of each portfolio's champion, as the audit trail has them; AuditError
    where it cannot be read.
    """
    records = read_records(audit_path)
    found = []
    for portfolio in portfolios:
        crowned = champions(records, portfolio.name)
        if crowned and crowned[-1].version is not None:
            newest = crowned[-1]
            found.append(Reading(readings.CHAMPION_VERSION, (portfolio.name,), crowned[-1].version))
            since = newest.at.timestamp()
            found.append(Reading(readings.CHAMPION_SINCE, (portfolio.name,), since))
    return found


def read_disks(folders: Mapping[str, Path]) -> list[Reading]:
    """Space of the disks that named folders are on, or will be."""
    found = []
    for name, folder in folders.items():
        usage = shutil.disk_usage(existing(folder))
        found.append(Reading(readings.DISK_FREE, (name,), usage.free))
        found.append(Reading(readings.DISK_SIZE, (name,), usage.total))
    return found
