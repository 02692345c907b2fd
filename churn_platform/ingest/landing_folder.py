"""Puts a file where the graph looks for it, or points it out again."""

import shutil
from datetime import date
from pathlib import Path

from churn_platform.errors import LandingError
from churn_platform.ingest.landed_files import (
    SUFFIXES,
    entries_in,
    files_of,
    known_suffix,
    landed_files,
    passed_over,
    unknown_kind,
)
from churn_platform.ingest.parts import SUCCESS
from churn_platform.ingest.soundness import check_is_file
from churn_platform.months import label
from churn_platform.portfolios.spec import Portfolio


def land_file(file: Path, landing_dir: Path, portfolio: str, table: str, month: date) -> Path:
    """Copy a file to its place in the landing folder, in place of any other file of that month;
    returns the place.
    """
    check_is_file(file)
    suffix = known_suffix(file)
    if suffix is None:
        raise LandingError(unknown_kind(file))

    folder = landing_dir / portfolio / table
    folder.mkdir(parents=True, exist_ok=True)
    draft = draft_of(folder, month)
    shutil.copyfile(file, draft)
    landed = put_in_place(draft, folder, month, suffix)
    assert landed is not None
    return landed


def draft_of(folder: Path, month: date) -> Path:
    """Where a file of the month is written before it takes its place."""
    # The landing sensor must never see half a file. Hidden names are not read.
    return folder / f".{label(month)}.unfinished"


def put_in_place(draft: Path | None, folder: Path, month: date, suffix: str = "") -> Path | None:
    """Rename a whole draft to the month's file, and take every other file of the month away;
    without a draft the month has none.
    """
    landed = draft.replace(folder / f"{label(month)}{suffix}") if draft else None
    # After the rename, so that the month always has a file; two kinds of one month are refused.
    for other in entries_in(folder, month):
        if other != landed:
            _remove(other)

    return landed


def _remove(delivery: Path) -> None:
    if delivery.is_dir():
        shutil.rmtree(delivery)
    else:
        delivery.unlink()


def begun_months(landing_dir: Path, portfolio: Portfolio) -> list[date]:
    """The months whose first table has landed, oldest first; LandingError if there is none."""
    first_table = portfolio.landed_tables[0]
    folder = landing_dir / portfolio.name / first_table.name
    months = list(landed_files(folder))
    if not months and portfolio.read_tables:
        raise LandingError(
            f"no month of {portfolio.name} has been read from its sources yet; say which: "
            f"churn run {portfolio.name} --from 2025-01 --to 2025-12"
        )
    if not months:
        raise LandingError(
            f"no month has landed in {folder}; land a file, for example {folder}/2025-01.csv"
        )

    return months


def misnamed(landing_dir: Path, portfolio: Portfolio) -> str:
    """A sentence on what is in the portfolio's landing folders and is not read; empty if there
    is nothing.
    """
    names = []
    for table in portfolio.landed_tables:
        for path in passed_over(landing_dir / portfolio.name / table.name):
            names.append(f"{path.parent.name}/{path.name}")

    if not names:
        return ""

    return (
        f"not read, as no file with a name as 2025-01 with {', '.join(SUFFIXES)}, and no folder "
        f"2025-01 with parts and {SUCCESS}: "
        f"{', '.join(names)}"
    )


def mark_delivered(landing_dir: Path, portfolio: Portfolio, month: date) -> None:
    """Date a month's files again, so that the landing sensor takes them in again."""
    for table in portfolio.landed_tables:
        for path in files_of(landing_dir, portfolio.name, table.name, month):
            path.touch()
